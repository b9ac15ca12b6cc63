//! Requests outside any dialog, both ways.

use hotline_sip::endpoint::{Event, OutgoingRequest};

use crate::support::*;

#[test]
fn requests_of_the_peer_go_up_and_are_answered() {
    let mut desk = Desk::new();
    let options = request("OPTIONS", 1, "", "", "");
    desk.receive(&options);
    let Event::Request { id, request, path } = desk.event() else {
        panic!("no request");
    };
    assert_eq!(path, udp());
    let message = request.message().unwrap();
    assert_eq!(message.method().as_bytes(), b"OPTIONS");
    desk.receive(&options);
    assert!(desk.sent().is_empty() && desk.events().is_empty());
    let headers = [("Allow", "INVITE".to_owned())];
    desk.endpoint
        .respond(desk.now, id, 200, &headers, Vec::new());
    desk.endpoint.respond(desk.now, id, 500, &[], Vec::new());
    desk.drain();
    let answer = desk.one();
    assert_eq!(
        (status(&answer), value(&answer, "Allow").as_str()),
        (200, "INVITE")
    );
    desk.receive(&options);
    assert_eq!(desk.one(), answer);
    desk.pass(ms(32_000));
    assert!(desk.is_empty(), "timer J");
}

#[test]
fn a_request_nobody_answers_is_forgotten() {
    let mut desk = Desk::new();
    desk.receive(&request("REGISTER", 1, "", "", ""));
    let Event::Request { id, .. } = desk.event() else {
        panic!("no request");
    };
    desk.pass(ms(32_000));
    assert!(desk.is_empty());
    desk.endpoint.respond(desk.now, id, 200, &[], Vec::new());
    desk.drain();
    assert!(desk.sent().is_empty());
}

#[test]
fn requests_of_ours_are_answered_or_time_out() {
    let options = |path| OutgoingRequest {
        path,
        method: "OPTIONS".into(),
        target: "sip:10.0.0.2:5070".into(),
        from: "<sip:hotline@10.0.0.1>".into(),
        to: "<sip:10.0.0.2>".into(),
        call_id: None,
        cseq: None,
        headers: Vec::new(),
        body: Vec::new(),
        credentials: None,
    };
    let mut desk = Desk::new();
    let id = desk.endpoint.request(desk.now, options(udp()));
    desk.drain();
    let sent = desk.one();
    desk.receive(&response(&sent, "200 OK", "p", "Allow: INVITE\r\n", ""));
    let Event::Response {
        id: answered,
        status: 200,
        message: Some(message),
    } = desk.event()
    else {
        panic!("no response");
    };
    assert_eq!(answered, id);
    assert_eq!(message.message().unwrap().status(), 200);

    desk.endpoint.request(desk.now, options(udp()));
    desk.drain();
    desk.pass(ms(32_000));
    assert_eq!(desk.sent().len(), 11, "timer E");
    assert!(matches!(
        desk.event(),
        Event::Response {
            status: 408,
            message: None,
            ..
        }
    ));

    desk.endpoint.request(desk.now, options(tcp(0)));
    desk.drain();
    desk.endpoint.path_lost(desk.now, tcp(0));
    desk.drain();
    assert!(matches!(desk.event(), Event::Response { status: 503, .. }));
    desk.assert_forgets_all();
}
