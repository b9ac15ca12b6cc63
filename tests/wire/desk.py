"""pjsua2 as a telephone that does what it is told, line by line on its input; says a tone all the
time, in all its calls. Prints a word a line for what happens.

desk.py SERVER:PORT USER PASSWORD|- HERTZ FOLDER

  call NUMBER            calls; the newest call is the current one
  refer TARGET           sends the oldest call to sip:TARGET@SERVER
  refer-consulted        sends the oldest call to the newest one's other side (Replaces)
  hold                   holds the oldest call
  hears HERTZ            says "hears HERTZ" when the tone of the newest call is that, within 6 s
  hangup                 ends all calls
  quit
"""

import os
import select
import sys
import time
import wave

import pjsua2 as pj
import telephone
from tones import strength, write_tone

SERVER, USER, PASSWORD, HERTZ, FOLDER = sys.argv[1:6]


def say(word):
    print(word, flush=True)


class Call(pj.Call):
    def onCallState(self, _):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            say(f"answered {info.id}")
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            say(f"ended {info.id} {info.lastStatusCode}")
            calls.remove(self)

    def onCallMediaState(self, _):
        sound = self.sound()
        if sound:
            player.startTransmit(sound)

    def sound(self):
        info = self.getInfo()
        for index, media in enumerate(info.media):
            active = media.status == pj.PJSUA_CALL_MEDIA_ACTIVE
            if media.type == pj.PJMEDIA_TYPE_AUDIO and active:
                return self.getAudioMedia(index)
        return None

    def onCallTransferStatus(self, prm):
        say(f"notified {prm.statusCode}{' finally' if prm.finalNotify else ''}")


class Account(pj.Account):
    def onRegState(self, prm):
        say("registered" if prm.code == 200 else f"refused {prm.code}")

    def onIncomingCall(self, prm):
        call = Call(self, prm.callId)
        calls.append(call)
        ringing = pj.CallOpParam()
        ringing.statusCode = 180
        call.answer(ringing)
        rung.append((time.monotonic() + 0.3, call))


def run(seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        endpoint.libHandleEvents(20)


def hears(hertz):
    """Listens to the newest call, a second at a time."""
    path = f"{FOLDER}/heard.wav"
    for _ in range(5):
        sound = calls[-1].sound() if calls else None
        if sound is None:
            run(0.3)
            continue
        recorder = pj.AudioMediaRecorder()
        recorder.createRecorder(path)
        sound.startTransmit(recorder)
        run(1.2)
        if calls and calls[-1].sound():
            sound.stopTransmit(recorder)
        # The file is complete when its recorder is gone, a little later.
        del recorder, sound
        run(0.3)
        try:
            if strength(path, hertz) > 0.8:
                return True
        except (EOFError, wave.Error):
            continue
    return False


def obey(words):
    prm = pj.CallOpParam(True)
    match words:
        case ["call", number]:
            call = Call(account)
            calls.append(call)
            call.makeCall(f"sip:{number}@{SERVER}", prm)
        case ["refer", target]:
            calls[0].xfer(f"sip:{target}@{SERVER}", pj.CallOpParam())
        case ["refer-consulted"]:
            calls[0].xferReplaces(calls[-1], pj.CallOpParam())
        case ["hold"]:
            calls[0].setHold(pj.CallOpParam())
        case ["hears", hertz]:
            say(f"hears {hertz}" if hears(int(hertz)) else f"does not hear {hertz}")
        case ["hangup"]:
            for call in list(calls):
                call.hangup(pj.CallOpParam())
        case ["quit"]:
            return False
    return True


calls, rung = [], []
write_tone(f"{FOLDER}/says.wav", int(HERTZ))
endpoint = telephone.started(f"{FOLDER}/log")
player = pj.AudioMediaPlayer()
player.createPlayer(f"{FOLDER}/says.wav")
account = Account()
account.create(telephone.account_of(SERVER, USER, PASSWORD))
say("ready")

typed, obeys = b"", True
until = time.monotonic() + 60
while obeys and time.monotonic() < until:
    endpoint.libHandleEvents(10)
    if rung and rung[0][0] < time.monotonic():
        answer = pj.CallOpParam()
        answer.statusCode = 200
        rung.pop(0)[1].answer(answer)
    if select.select([0], [], [], 0)[0]:
        some = os.read(0, 4096)
        if not some:
            break
        typed += some
        while obeys and b"\n" in typed:
            line, typed = typed.split(b"\n", 1)
            obeys = obey(line.decode().split())
for call in list(calls):
    call.hangup(pj.CallOpParam())
run(0.5)
calls.clear()
player = None
account.shutdown()
endpoint.libDestroy()
say("gone")
