"""pjsua2 as a telephone: registers as a seat and answers, or calls; sends a tone and says what it
heard. Prints one word a line for what happened: registered, answered, heard, ended.

phone.py seat|caller udp|tcp|tls SERVER:PORT USER PASSWORD|- NUMBER|- SECONDS FOLDER [srtp]
    [codec=NAME]...

With srtp it takes and offers nothing but secure RTP; with codecs, nothing but these.
"""

import sys
import time
import wave

import pjsua2 as pj
import telephone
from tones import strength, write_tone

ROLE, TRANSPORT, SERVER, USER, PASSWORD, NUMBER, SECONDS, FOLDER = sys.argv[1:9]
SRTP = "srtp" in sys.argv[9:]
CODECS = [word[6:] for word in sys.argv[9:] if word.startswith("codec=")]
PARAMS = "" if TRANSPORT == "udp" else f";transport={TRANSPORT}"
# The seat's tone and the caller's, Hz: each must be heard at the other side.
TONES = {"seat": 600, "caller": 900}


def say(word):
    print(word, flush=True)


class Call(pj.Call):
    def __init__(self, account, *ids):
        super().__init__(account, *ids)
        self.over = False
        self.recorder = self.player = None

    def onCallState(self, _):
        state = self.getInfo().state
        if state == pj.PJSIP_INV_STATE_CONFIRMED:
            say("answered")
        if state == pj.PJSIP_INV_STATE_DISCONNECTED:
            say(f"ended {self.getInfo().lastStatusCode}")
            self.over = True

    def onCallMediaState(self, _):
        # What lists the media lives as long as this does.
        info = self.getInfo()
        for index, media in enumerate(info.media):
            if media.type != pj.PJMEDIA_TYPE_AUDIO or self.recorder:
                continue
            if media.status == pj.PJSUA_CALL_MEDIA_ACTIVE:
                sound = self.getAudioMedia(index)
                self.player = pj.AudioMediaPlayer()
                self.player.createPlayer(f"{FOLDER}/{ROLE}-says.wav")
                self.player.startTransmit(sound)
                self.recorder = pj.AudioMediaRecorder()
                self.recorder.createRecorder(f"{FOLDER}/{ROLE}-heard.wav")
                sound.startTransmit(self.recorder)


class Account(pj.Account):
    call = None
    registered = False

    def onRegState(self, prm):
        say("registered" if prm.code == 200 else f"refused {prm.code}")
        self.registered = prm.code == 200

    def onIncomingCall(self, prm):
        self.call = Call(self, prm.callId)
        answer = pj.CallOpParam()
        answer.statusCode = 200
        self.call.answer(answer)


def main():
    write_tone(f"{FOLDER}/{ROLE}-says.wav", TONES[ROLE])
    endpoint = telephone.started(f"{FOLDER}/{ROLE}.log", TRANSPORT, CODECS)
    account_config = telephone.account_of(SERVER, USER, PASSWORD, PARAMS)
    if SRTP:
        account_config.mediaConfig.srtpUse = pj.PJMEDIA_SRTP_MANDATORY
        account_config.mediaConfig.srtpSecureSignaling = 1
    account = Account()
    account.create(account_config)
    until = time.monotonic() + float(SECONDS)
    if ROLE == "caller":
        account.call = Call(account)
        account.call.makeCall(f"sip:{NUMBER}@{SERVER}{PARAMS}", pj.CallOpParam(True))
    while time.monotonic() < until and not (account.call and account.call.over):
        endpoint.libHandleEvents(20)
    if account.call and not account.call.over:
        account.call.hangup(pj.CallOpParam())
        while not account.call.over and time.monotonic() < until + 5:
            endpoint.libHandleEvents(20)
    if account.registered:
        account.setRegistration(False)
        until = time.monotonic() + 3
        while account.registered is True and time.monotonic() < until:
            endpoint.libHandleEvents(20)
            if not account.getInfo().regIsActive:
                break
        say("unregistered" if not account.getInfo().regIsActive else "still registered")
    called = account.call is not None
    account.call = None
    account.shutdown()
    # The recorder's file is complete when all is gone.
    endpoint.libDestroy()
    if called:
        other = TONES["caller" if ROLE == "seat" else "seat"]
        try:
            share = strength(f"{FOLDER}/{ROLE}-heard.wav", other)
        except (OSError, EOFError, wave.Error) as error:
            say(f"no recording: {error}")
            share = 0.0
        say("heard the other side" if share > 0.8 else f"heard too little: {share:.2f}")


main()
