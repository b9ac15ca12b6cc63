"""What pjsua2's telephones of the tests have in common."""

import pjsua2 as pj

HOST = "127.0.0.1"
KINDS = {
    "udp": pj.PJSIP_TRANSPORT_UDP,
    "tcp": pj.PJSIP_TRANSPORT_TCP,
    "tls": pj.PJSIP_TRANSPORT_TLS,
}


def started(log, transport="udp", codecs=()):
    """An endpoint without sound cards; where codecs are named, with nothing but these."""
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = 4
    config.logConfig.consoleLevel = 0
    config.logConfig.filename = log
    endpoint.libInit(config)
    for codec in endpoint.codecEnum2() if codecs else []:
        known = any(codec.codecId.startswith(f"{name}/") for name in codecs)
        endpoint.codecSetPriority(codec.codecId, 200 if known else 0)
    bound = pj.TransportConfig()
    bound.boundAddress = HOST
    endpoint.transportCreate(KINDS[transport], bound)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    return endpoint


def account_of(server, user, password, params=""):
    """How an account is set up; without a password ("-") it does not register."""
    config = pj.AccountConfig()
    config.idUri = f"sip:{user}@{server}"
    config.mediaConfig.transportConfig.boundAddress = HOST
    if password != "-":
        config.regConfig.registrarUri = f"sip:{server}{params}"
        config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
    return config
