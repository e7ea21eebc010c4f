//! What is read: an INVITE of 1.3 kB with SDP, a 180, and a 200 with SDP.

/// A message and its name in reports.
pub struct Sample {
    /// The name.
    pub name: &'static str,
    /// The bytes; line ends are made CRLF and the length is counted by [`Sample::bytes`].
    text: &'static str,
    body: &'static str,
}

impl Sample {
    /// The message as it stands on the wire.
    pub fn bytes(&self) -> bytes::Bytes {
        let body = self.body.replace('\n', "\r\n");
        let head = self.text.replace('\n', "\r\n").replace("@", &body.len().to_string());
        format!("{}\r\n{body}", head.replace('~', "@")).into()
    }
}

/// `~` stands for the at sign, `@` for the length of the body.
pub const MESSAGES: [Sample; 3] = [
    Sample { name: "INVITE", text: INVITE, body: SDP },
    Sample { name: "180", text: RINGING, body: "" },
    Sample { name: "200", text: OK, body: SDP },
];

const INVITE: &str = "INVITE sip:bob~biloxi.example.com;transport=tcp SIP/2.0
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b43;rport
Via: SIP/2.0/UDP proxy.atlanta.example.com:5060;branch=z9hG4bK2d4790.1;received=192.0.2.111
Max-Forwards: 69
Record-Route: <sip:proxy.atlanta.example.com;lr>
Route: <sip:edge.biloxi.example.com;lr>
From: \"Alice Liddell\" <sip:alice~atlanta.example.com>;tag=9fxced76sl
To: \"Bob\" <sip:bob~biloxi.example.com>
Call-ID: 3848276298220188511~atlanta.example.com
CSeq: 314159 INVITE
Contact: <sip:alice~client.atlanta.example.com:5060;transport=tcp>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK, REFER, NOTIFY, MESSAGE
Supported: 100rel, timer, replaces, outbound, path, gruu
Session-Expires: 1800;refresher=uac
Min-SE: 90
User-Agent: ExamplePhone/4.2.1 (linux; x86_64)
Accept: application/sdp, application/dtmf-relay
P-Preferred-Identity: \"Alice\" <sip:alice~atlanta.example.com>
Content-Disposition: session
Content-Type: application/sdp
Content-Length: @
";

const RINGING: &str = "SIP/2.0 180 Ringing
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b43;received=192.0.2.101
Record-Route: <sip:proxy.atlanta.example.com;lr>
From: \"Alice Liddell\" <sip:alice~atlanta.example.com>;tag=9fxced76sl
To: \"Bob\" <sip:bob~biloxi.example.com>;tag=8321234356
Call-ID: 3848276298220188511~atlanta.example.com
CSeq: 314159 INVITE
Contact: <sip:bob~client.biloxi.example.com;transport=tcp>
Content-Length: @
";

const OK: &str = "SIP/2.0 200 OK
Via: SIP/2.0/TCP client.atlanta.example.com:5060;branch=z9hG4bK74b43;received=192.0.2.101
Record-Route: <sip:proxy.atlanta.example.com;lr>
From: \"Alice Liddell\" <sip:alice~atlanta.example.com>;tag=9fxced76sl
To: \"Bob\" <sip:bob~biloxi.example.com>;tag=8321234356
Call-ID: 3848276298220188511~atlanta.example.com
CSeq: 314159 INVITE
Contact: <sip:bob~client.biloxi.example.com;transport=tcp>
Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, UPDATE, PRACK
Supported: 100rel, timer
Content-Type: application/sdp
Content-Length: @
";

const SDP: &str = "v=0
o=alice 2890844526 2890844526 IN IP4 client.atlanta.example.com
s=-
c=IN IP4 192.0.2.101
t=0 0
m=audio 49172 RTP/AVP 0 8 101
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:101 telephone-event/8000
a=sendrecv
";
