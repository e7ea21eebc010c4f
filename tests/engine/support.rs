//! A front end that waits for events, and peers that read and answer by hand.

use std::{fmt::Write, net::SocketAddr, time::Duration};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use sipboard::{
    engine::{Command, Engine, Event, FlowEvent, FlowState, Settings, Submission},
    sip::{
        self, ContextId, Fact, Frame, Framer, HeaderName, Identity, Limits, Message, Method,
        NewRequest, Timing,
    },
    transport::ServerUri,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream, accept_hdr_async,
    tungstenite::{
        self,
        handshake::server::{ErrorResponse, Request, Response},
        http::HeaderValue,
    },
};

pub const DEADLINE: Duration = Duration::from_secs(20);
pub const LOOPBACK: &str = "127.0.0.1:0";

pub async fn in_time<T>(what: impl Future<Output = T>) -> T {
    timeout(DEADLINE, what).await.expect("in time")
}

/// The far end of an engine's channels.
pub struct Front {
    pub engine: Engine,
    /// Everything that was told, in order.
    pub log: Vec<Event>,
    seen: usize,
}

impl Front {
    pub fn new() -> Front {
        Front::with(Timing::default())
    }

    pub fn with(timing: Timing) -> Front {
        let sip = sip::Settings { timing, ..sip::Settings::default() };
        Front::of(Settings { sip, ..Settings::default() })
    }

    pub fn of(settings: Settings) -> Front {
        Front { engine: Engine::start(settings), log: Vec::new(), seen: 0 }
    }

    pub async fn command(&self, command: Command) {
        in_time(self.engine.commands.send(command)).await.expect("the engine takes commands");
    }

    pub async fn send(&self, request: NewRequest, server: &ServerUri) {
        let server = Some(server.clone());
        self.command(Command::Send(Box::new(Submission {
            request,
            server,
            password_command: None,
            flow: Default::default(),
        })))
        .await;
    }

    /// Waits for the next event that `find` finds something in; those before it are only logged.
    pub async fn find<T>(&mut self, what: &str, mut find: impl FnMut(&Event) -> Option<T>) -> T {
        let looked = async {
            loop {
                while let Some(event) = self.log.get(self.seen) {
                    self.seen += 1;
                    if let Some(found) = find(event) {
                        return Some(found);
                    }
                }
                self.log.extend(self.engine.events.recv().await?);
            }
        };
        match timeout(DEADLINE, looked).await {
            Ok(Some(found)) => found,
            Ok(None) => panic!("the engine ended before {what}: {:#?}", self.story()),
            Err(_) => panic!("no {what} in time: {:#?}", self.story()),
        }
    }

    /// Waits for the next fact that `find` finds something in.
    pub async fn fact<T>(
        &mut self,
        what: &str,
        mut find: impl FnMut(ContextId, &Fact) -> Option<T>,
    ) -> T {
        self.find(what, |event| match event {
            Event::Sip(sip::Event::Context(event)) => find(event.context, &event.fact),
            _ => None,
        })
        .await
    }

    /// Waits for the next context that ended, and says why.
    pub async fn ended(&mut self) -> (ContextId, String) {
        self.fact("end", |context, fact| match fact {
            Fact::Ended { cause } => Some((context, cause.to_string())),
            _ => None,
        })
        .await
    }

    /// Why a request failed, in words.
    pub async fn failure(&mut self) -> String {
        self.fact("failure", |_, fact| match fact {
            Fact::Failed { detail, .. } => Some(detail.to_string()),
            _ => None,
        })
        .await
    }

    pub async fn flow(&mut self) -> FlowEvent {
        self.find("flow event", |event| match event {
            Event::Flow(event) => Some(event.clone()),
            _ => None,
        })
        .await
    }

    pub async fn refusal(&mut self) -> (Option<ContextId>, String) {
        self.find("refusal", |event| match event {
            Event::Refused(refusal) => Some((refusal.context, refusal.reason.clone())),
            _ => None,
        })
        .await
    }

    pub async fn stopped(&mut self) {
        self.find("stop", |event| (*event == Event::Stopped).then_some(())).await;
        assert!(in_time(self.engine.events.recv()).await.is_none(), "Stopped is the last event");
        in_time(&mut self.engine.task).await.expect("the engine does not panic");
    }

    pub async fn quit(mut self) {
        self.command(Command::Quit).await;
        self.stopped().await;
    }

    /// The log in short words.
    pub fn story(&self) -> Vec<String> {
        self.log.iter().map(word).collect()
    }
}

fn word(event: &Event) -> String {
    match event {
        Event::Sip(sip::Event::Context(event)) => {
            let mut word = format!("#{} ", event.context);
            match (&event.fact, event.fact.name()) {
                (Fact::Created(_), _) => word.push_str("created"),
                (Fact::Ended { cause }, _) => write!(word, "ended {cause}").unwrap(),
                (Fact::Failed { cause, detail, .. }, _) => {
                    write!(word, "failed {cause} ({detail})").unwrap();
                }
                (_, Some(name)) => word.push_str(name),
                (fact, None) => write!(word, "{fact:?}").unwrap(),
            }
            word
        }
        Event::Sip(sip::Event::Registration(event)) => format!("registration {:?}", event.state),
        Event::Sip(sip::Event::Outside(outside)) => format!("outside: {:?}", outside.fact),
        Event::Sip(sip::Event::Stray(stray)) => format!("stray: {}", stray.problem),
        Event::Impaired { impaired, .. } => format!("log: {}", impaired.what()),
        Event::Impairing { impairments, .. } => format!("impairing: {impairments}"),
        Event::Pong { flow, .. } => format!("flow {flow} pong"),
        Event::KeepAlive { flow, interval, .. } => format!("flow {flow} every {interval:?}"),
        Event::Writing { flow, writing, .. } => format!("flow {flow:?} writes {writing:?}"),
        Event::Flow(event) => {
            let state = match &event.state {
                FlowState::Connecting => "connecting",
                FlowState::Up { .. } => "up",
                FlowState::Down { .. } => "down",
                FlowState::Ended => "ended",
            };
            format!("flow {} {state}", event.flow)
        }
        Event::DialogWriting { of, .. } => format!("#{} writes {}", of.context, of.method),
        Event::PeerFlow(open) if open.ended.is_none() => format!("peer flow {} up", open.flow),
        Event::PeerFlow(open) => format!("peer flow {} down", open.flow),
        Event::Refused(refusal) => format!("refused: {}", refusal.reason),
        Event::AsksPasswords(running) => format!("asks for {} passwords", running.len()),
        Event::Password(known) => format!("password of {}", known[0].username),
        Event::Stopped => "stopped".to_owned(),
    }
}

pub fn request(method: Method) -> NewRequest {
    let from = Identity { display_name: String::new(), uri: "sip:alice@a.test".parse().unwrap() };
    NewRequest::new(method, "sip:bob@b.test".parse().unwrap(), from)
}

const CONTACT: &str = "Contact: <sip:bob@b.test>\r\n";

/// A response with a To tag, and a Contact where it answers no REGISTER.
pub fn response(request: &Message, status: &str) -> Bytes {
    let text = |name| request.header(name).unwrap().text().unwrap();
    let mut response = format!("SIP/2.0 {status}\r\n");
    for via in request.all(HeaderName::Via) {
        write!(response, "Via: {}\r\n", via.text().unwrap()).unwrap();
    }
    let to = text(HeaderName::To);
    let tag = if to.contains(";tag=") { "" } else { ";tag=b" };
    let contact = if request.method() == Some(Method::Register) { "" } else { CONTACT };
    write!(
        response,
        "From: {}\r\nTo: {to}{tag}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
         {contact}Content-Length: 0\r\n\r\n",
        text(HeaderName::From),
        text(HeaderName::CallId),
        text(HeaderName::CSeq)
    )
    .unwrap();
    response.into()
}

/// A response that names other contacts.
pub fn response_with_contact(request: &Message, status: &str, contact: &str) -> Bytes {
    let text = String::from_utf8(response(request, status).to_vec()).unwrap();
    text.replace(CONTACT, &format!("Contact: {contact}\r\n")).into()
}

/// A UDP peer.
pub struct UdpPeer {
    pub socket: UdpSocket,
    pub server: ServerUri,
}

impl UdpPeer {
    pub async fn new() -> UdpPeer {
        UdpPeer::at(LOOPBACK.parse().unwrap()).await
    }

    pub async fn at(address: SocketAddr) -> UdpPeer {
        let socket = UdpSocket::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        UdpPeer { socket, server: format!("sip:{address};transport=udp").parse().unwrap() }
    }

    pub async fn take(&self) -> (Message, SocketAddr) {
        let mut buffer = vec![0; 65_535];
        let (length, from) = in_time(self.socket.recv_from(&mut buffer)).await.unwrap();
        (Message::read(Bytes::copy_from_slice(&buffer[..length])).unwrap(), from)
    }

    pub async fn answer(&self, status: &str) -> (Message, SocketAddr) {
        let (request, from) = self.take().await;
        self.socket.send_to(&response(&request, status), from).await.unwrap();
        (request, from)
    }
}

/// A WebSocket peer that listens.
pub struct WsPeer {
    listener: TcpListener,
    pub server: ServerUri,
}

impl WsPeer {
    pub async fn new() -> WsPeer {
        WsPeer::at(LOOPBACK.parse().unwrap()).await
    }

    pub async fn at(address: SocketAddr) -> WsPeer {
        let listener = TcpListener::bind(address).await.unwrap();
        let server = format!("ws://{}", listener.local_addr().unwrap()).parse().unwrap();
        WsPeer { listener, server }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    pub async fn accept(&self) -> WsConnection {
        let (stream, _) = in_time(self.listener.accept()).await.unwrap();
        WsConnection(in_time(accept_hdr_async(stream, select_sip)).await.unwrap())
    }

    /// Whether somebody connects without being accepted.
    pub async fn was_called(&self) -> bool {
        // Our own call is behind any other in the queue.
        let ours = in_time(TcpStream::connect(self.address())).await.unwrap();
        let (_, caller) = in_time(self.listener.accept()).await.unwrap();
        caller != ours.local_addr().unwrap()
    }
}

#[expect(clippy::result_large_err, reason = "the library's signature")]
fn select_sip(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    Ok(response)
}

/// A connection that a [`WsPeer`] took.
pub struct WsConnection(pub WebSocketStream<TcpStream>);

impl WsConnection {
    pub async fn take(&mut self) -> Message {
        let frame = in_time(self.0.next()).await.unwrap().unwrap();
        Message::read(frame.into_data()).unwrap()
    }

    pub async fn send(&mut self, bytes: &Bytes) {
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        self.0.send(tungstenite::Message::text(text)).await.unwrap();
    }

    pub async fn answer(&mut self, status: &str) -> Message {
        let request = self.take().await;
        self.send(&response(&request, status)).await;
        request
    }
}

/// A TCP connection in the test's own hands.
pub struct TcpPeer<S = TcpStream> {
    pub stream: S,
    framer: Framer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> TcpPeer<S> {
    pub fn new(stream: S) -> TcpPeer<S> {
        TcpPeer { stream, framer: Framer::new(Limits::default()) }
    }

    pub async fn take(&mut self) -> Message {
        let mut buffer = [0; 4096];
        loop {
            match self.framer.frame().unwrap() {
                Some(Frame::Message(bytes)) => return Message::read(bytes).unwrap(),
                Some(_) => {}
                None => {
                    let length = in_time(self.stream.read(&mut buffer)).await.unwrap();
                    assert!(length > 0, "the connection was closed");
                    self.framer.push(&buffer[..length]);
                }
            }
        }
    }

    pub async fn send(&mut self, bytes: &Bytes) {
        self.stream.write_all(bytes).await.unwrap();
    }

    pub async fn answer(&mut self, status: &str) -> Message {
        let request = self.take().await;
        self.send(&response(&request, status)).await;
        request
    }
}
