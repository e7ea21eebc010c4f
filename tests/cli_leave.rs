//! What `sipboard send` waits for before it leaves.

mod cli_support;

use std::net::{SocketAddr, UdpSocket};

use cli_support::*;

/// A peer that takes a REFER and its subscription's end, and never answers what ends that from here.
fn takes_the_refer_alone(socket: &UdpSocket) {
    let at = socket.local_addr().expect("it is bound");
    let mut buffer = [0; 8192];
    let mut take = |method: &str| -> (String, SocketAddr) {
        loop {
            let (length, from) = socket.recv_from(&mut buffer).expect("it comes");
            let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if text.starts_with(method) {
                return (text, from);
            }
        }
    };
    let (refer, from) = take("REFER ");
    let header = |name: &str| {
        let line = refer.lines().find(|line| line.starts_with(name));
        line.expect("the header is there").split_once(": ").expect("it has a value").1
    };
    let [via, us, peer, call, cseq] = ["Via:", "From:", "To:", "Call-ID:", "CSeq:"].map(header);
    let accepted = format!(
        "SIP/2.0 202 Accepted\r\nVia: {via}\r\nFrom: {us}\r\nTo: {peer};tag=t\r\nCall-ID: {call}\r\n\
         CSeq: {cseq}\r\nContact: <sip:{at}>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send_to(accepted.as_bytes(), from).expect("it can be sent");
    take("SUBSCRIBE ");
    let notify = format!(
        "NOTIFY sip:a@{from} SIP/2.0\r\nVia: SIP/2.0/UDP {at};rport;branch=z9hG4bKn\r\n\
         Max-Forwards: 70\r\nFrom: {peer};tag=t\r\nTo: {us}\r\nCall-ID: {call}\r\nCSeq: 1 NOTIFY\r\n\
         Contact: <sip:{at}>\r\nEvent: refer\r\nSubscription-State: terminated;reason=noresource\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(notify.as_bytes(), from).expect("it can be sent");
    take("SIP/2.0 200");
}

#[test]
fn what_ends_a_subscription_that_is_over_already_ends_by_its_own_timer() {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
    socket.set_read_timeout(Some(DEADLINE)).expect("it can be set");
    let server = format!("sip:{};transport=udp", socket.local_addr().expect("it is bound"));
    let peer = std::thread::spawn(move || {
        takes_the_refer_alone(&socket);
        socket
    });
    let args = ["send", "REFER", "sip:b@b.test", "-H", "Refer-To: <sip:c@c.test>"];
    let options = ["--server", &server, "--t1-ms", "50", "--json", "--events"];
    let ran = sipboard(&Home::new(), &[&args[..], &options[..]].concat());
    let _socket = peer.join().expect("the peer has done its part");
    let failed: Vec<_> = ran.json().into_iter().filter(|line| line["event"] == "failed").collect();
    assert_eq!(failed.len(), 1, "{}", ran.out);
    assert_eq!(failed[0]["method"], "SUBSCRIBE");
    let detail = failed[0]["detail"].as_str().unwrap_or_default();
    assert!(detail.contains("Timer F"), "{detail}");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
}
