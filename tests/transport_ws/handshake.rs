//! The opening handshake, from either side (RFC 6455 §4, RFC 7118 §4).

use super::*;

/// Reads a handshake; gives what answers its key.
async fn accept_key(stream: &mut TcpStream) -> String {
    let mut request = vec![0; 4096];
    let length = in_time(stream.read(&mut request)).await.unwrap();
    let request = String::from_utf8_lossy(&request[..length]);
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "))
        .expect("the client sends a key");
    tokio_tungstenite::tungstenite::handshake::derive_accept_key(key.as_bytes())
}

#[tokio::test]
async fn bad_handshakes_are_told_apart() {
    let found = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    let body = "HTTP/1.1 403 Forbidden\r\nContent-Length: 21\r\n\r\n\r\n  no \x1b[31mOrigin\nmore";
    let long = format!("HTTP/1.1 500 Oh\r\nContent-Length: 900\r\n\r\n{}", "x".repeat(900));
    let other = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Accept: KEY\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
    let no_sip = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                  Connection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\r\n";
    let moved = "HTTP/1.1 301 Moved Permanently\r\nLocation: wss://b.test/ws\r\n\
                 Content-Length: 0\r\n\r\n";
    let chunks = "HTTP/1.1 503 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbusy\n\r\n0\r\n\r\n";
    let old = "HTTP/1.0 404 Not Found\r\n\r\nnothing here\n";
    let endless = format!("HTTP/1.1 200 OK\r\n{}", "X: y\r\n".repeat(1_000));
    let deflate = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
                   Connection: Upgrade\r\nSec-WebSocket-Accept: KEY\r\n\
                   Sec-WebSocket-Protocol: sip\r\n\
                   Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n";
    let twice = other.replace(": chat", ": sip\r\nSec-WebSocket-Protocol: sip");
    let no_connection = other.replace("Connection: Upgrade\r\n", "").replace("chat", "sip");
    for (answer, sentence) in [
        (&*twice, "the WebSocket subprotocol sip (RFC 7118 §4), but 2 headers with one each"),
        (&no_connection, "its 101 to the WebSocket handshake has no Connection: Upgrade"),
        (
            deflate,
            "it selected the WebSocket extension permessage-deflate, which was not offered (RFC 6455 §4.1)",
        ),
        (found, "it answered the WebSocket handshake with 404 Not Found"),
        (body, r"it answered the WebSocket handshake with 403 Forbidden: no \x1b[31mOrigin"),
        (&long, "with 500 Oh: xxxxx"),
        (other, "it did not select the WebSocket subprotocol sip (RFC 7118 §4), but chat"),
        (no_sip, "it did not select the WebSocket subprotocol sip (RFC 7118 §4)"),
        (moved, "301 Moved Permanently to wss://b.test/ws, which is not followed"),
        (chunks, "with 503 x: busy"),
        (old, "with HTTP/1.0 404 Not Found: nothing here"),
        (&endless, "with more header than is taken: HTTP/1.1 200 OK"),
        ("SIP/2.0 400 Bad Request\r\n\r\n", "something that is not HTTP"),
        ("", "it ended the connection during the WebSocket handshake"),
    ] {
        let (listener, uri) = server().await;
        let mut network = Network::new();
        network.connect(FLOW, &uri, &FlowSettings::default());
        let (mut stream, _) = in_time(listener.accept()).await.unwrap();
        let accept = accept_key(&mut stream).await;
        stream.write_all(answer.replace("KEY", &accept).as_bytes()).await.unwrap();
        drop(stream);
        let reason = down(&mut network).await;
        assert!(reason.starts_with(&format!("{uri} cannot be reached: ")), "{reason}");
        assert!(reason.contains(sentence), "{reason}");
        assert!(reason.chars().count() < 300, "{reason}");
    }
}

#[tokio::test]
async fn a_handshake_is_taken_as_freely_as_its_rfc_says() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
    for head in [
        "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade",
        "Upgrade: websocket\r\nConnection: keep-alive\r\nConnection: upgrade",
    ] {
        let (listener, uri) = server().await;
        let mut network = Network::new();
        network.connect(FLOW, &uri, &FlowSettings::default());
        let (mut stream, _) = in_time(listener.accept()).await.unwrap();
        let accept = accept_key(&mut stream).await;
        let answer = format!(
            "{interim}HTTP/1.1 101 Switching Protocols\r\n{head}\r\nSec-WebSocket-Accept: {accept}\r\n\
             Sec-WebSocket-Protocol: sip\r\n\r\n"
        );
        // What comes behind the head is the first frame.
        let hello = [answer.as_bytes(), b"\x82\x02hi"].concat();
        stream.write_all(&hello).await.unwrap();
        let mut signals = Vec::new();
        while signals.len() < 2 {
            in_time(network.receive(&mut signals)).await;
        }
        let [Signal::Up { .. }, Signal::Message { bytes, .. }] = &*signals else {
            panic!("{signals:?}")
        };
        assert_eq!(bytes, "hi");
    }
}

#[tokio::test]
async fn a_refusal_is_told_with_its_body() {
    for length in ["Content-Length: 14\r\n", "Transfer-Encoding: identity\r\n"] {
        let (listener, uri) = server().await;
        let mut network = Network::new();
        network.connect(FLOW, &uri, &FlowSettings::default());
        let (mut stream, _) = in_time(listener.accept()).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut asked = [0; 4096];
        assert!(in_time(stream.read(&mut asked)).await.unwrap() > 0);
        let head = format!("HTTP/1.1 403 Forbidden\r\n{length}\r\n");
        for part in [&*head, "go ", "away\nnow"] {
            stream.write_all(part.as_bytes()).await.unwrap();
        }
        let reason = down(&mut network).await;
        assert!(reason.ends_with("with 403 Forbidden: go away"), "{reason}");
    }
}

#[tokio::test]
async fn a_silent_server_is_given_up_in_time() {
    let (listener, uri) = server().await;
    let mut network = Network::new().with_connect_timeout(Duration::from_millis(200));
    network.connect(FLOW, &uri, &FlowSettings::default());
    let (_stream, _) = in_time(listener.accept()).await.unwrap();
    let reason =
        format!("{uri} cannot be reached: no answer to the WebSocket handshake within 200ms");
    assert_eq!(down(&mut network).await, reason);
}

#[tokio::test]
async fn a_silent_client_is_given_up_in_time() {
    let mut network = Network::new().with_connect_timeout(Duration::from_millis(200));
    let address = network.listen(Transport::Ws, LOOPBACK.parse().unwrap()).unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let mut nothing = [0];
    assert_eq!(in_time(stream.read(&mut nothing)).await.unwrap(), 0);
}

#[tokio::test]
async fn a_client_that_does_not_offer_sip_is_refused_with_400() {
    let (_network, address) = listening().await;
    for protocols in [None, Some("chat")] {
        match client(address, protocols).await {
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), 400);
                let body = String::from_utf8(response.body().clone().unwrap()).unwrap();
                assert!(body.contains("offer the WebSocket subprotocol sip"), "{body}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn silent_handshakes_hold_up_nobody() {
    let (mut network, address) = listening().await;
    let mut silent = Vec::new();
    for _ in 0..50 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let _socket = client(address, Some("sip")).await.unwrap();
    assert!(matches!(one(&mut network).await, Signal::Accepted { .. }));
}

#[tokio::test]
async fn the_handshake_has_the_headers_that_were_asked_for_and_binary_frames_go_out_where_wanted() {
    let (listener, uri) = server().await;
    let headers = ["Origin: https://a.test", "Cookie: a=1", "X-A: 1", "X-A: 2", "Host: b.test"];
    let websocket = WebSocketSettings {
        headers: headers.map(|text| text.parse().unwrap()).to_vec(),
        binary: true,
    };
    let mut network = Network::new();
    network.connect(FLOW, &uri, &FlowSettings { websocket, ..FlowSettings::default() });
    let (stream, _) = in_time(listener.accept()).await.unwrap();
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let look = |request: &Request, response: Response| {
        let all = |name| {
            let values = request.headers().get_all(name);
            values.iter().map(|value| value.to_str().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(all("origin"), ["https://a.test"]);
        assert_eq!(all("cookie"), ["a=1"]);
        assert_eq!(all("x-a"), ["1", "2"]);
        assert_eq!(all("host"), ["b.test"]);
        select_sip(request, response)
    };
    let mut socket = in_time(accept_hdr_async(stream, look)).await.unwrap();
    match one(&mut network).await {
        Signal::Up { facts, .. } => assert_eq!(facts.subprotocol.as_deref(), Some("sip")),
        other => panic!("{other:?}"),
    }
    network.send(FLOW, None, Bytes::from_static(b"text")).unwrap();
    assert_eq!(in_time(socket.next()).await.unwrap().unwrap(), Message::binary(&b"text"[..]));
}
