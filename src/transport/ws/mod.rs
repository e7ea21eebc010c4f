//! WebSocket (RFC 6455) with the subprotocol `sip` (RFC 7118), client and listener.

mod shake;
mod upgrade;
mod watched;
mod words;

use std::{
    future::poll_fn,
    net::SocketAddr,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Instant,
};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, stream::SplitSink, stream::SplitStream};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite},
    time::timeout,
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        Error, Message, Utf8Bytes,
        client::IntoClientRequest,
        http::{
            HeaderValue,
            header::{HOST, SEC_WEBSOCKET_PROTOCOL},
        },
        protocol::{CloseFrame, Role, WebSocketConfig, frame::coding::CloseCode},
    },
};

use self::{
    shake::shake,
    upgrade::upgrade,
    watched::{Watch, Watched},
    words::{close_code, close_words, error_words},
};
use crate::{
    sip::FlowId,
    transport::{
        FlowFacts, HttpHeader, ServerUri, Signal, WebSocketSettings,
        flow::{Gather, Outlet},
        guests,
        keep_alive::{self, Beat, Pulse},
        queue, reason,
        stream::{self, Connection, LINGER, WRITES},
    },
};

/// The WebSocket subprotocol of RFC 7118 §4.
const SUBPROTOCOL: &str = "sip";

fn config(largest: usize) -> WebSocketConfig {
    WebSocketConfig::default()
        // The library fills it with zeros before each read.
        .read_buffer_size(4 << 10)
        .write_buffer_size(64 << 10)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
}

/// Shakes hands with a server; gives what is known of its frames too, and a sentence where that
/// fails. A message with more bytes than `largest`
/// ends the connection.
pub(super) async fn dial<S: AsyncRead + AsyncWrite + Unpin>(
    server: &ServerUri,
    settings: &WebSocketSettings,
    largest: usize,
    connection: Connection<S>,
) -> Result<(Connection<WebSocketStream<Watched<S>>>, Watch), String> {
    let Connection { mut stream, local, peer, mut facts } = connection;
    let asked = async {
        let mut request = server
            .url()
            .into_client_request()
            .map_err(|error| format!("the URL cannot be asked for: {error}"))?;
        let headers = request.headers_mut();
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(SUBPROTOCOL));
        for (name, value) in settings.headers.iter().map(HttpHeader::parts) {
            // There is one Host; of the others there may be several.
            if name == HOST {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        upgrade(&mut stream, request).await
    };
    let rest = asked.await.map_err(|why: String| reason::unreachable(server, why))?;
    facts.subprotocol = Some(SUBPROTOCOL.to_owned());
    let (stream, watch) = framed(stream, rest, Role::Client, largest).await;
    Ok((Connection { stream, local, peer, facts }, watch))
}

/// The frames behind a handshake, of which some may have come with it.
async fn framed<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    rest: Vec<u8>,
    role: Role,
    largest: usize,
) -> (WebSocketStream<Watched<S>>, Watch) {
    let (stream, watch) = Watched::new(stream, &rest);
    let config = Some(config(largest));
    (WebSocketStream::from_partially_read(stream, rest, role, config).await, watch)
}

/// Shakes hands with a client; `None` where it is refused or gone.
pub(super) async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
    connection: Connection<S>,
    largest: usize,
) -> Option<(Connection<WebSocketStream<Watched<S>>>, Watch)> {
    let Connection { mut stream, local, peer, facts } = connection;
    let rest = shake(&mut stream).await?;
    let (stream, watch) = framed(stream, rest, Role::Server, largest).await;
    Some((Connection { stream, local, peer, facts }, watch))
}

/// Announces the flow, then reads and writes until the connection ends or the queue is dropped.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    connection: Connection<WebSocketStream<S>>,
    name: &str,
    manner: Manner,
    signal: impl FnOnce(FlowId, SocketAddr, SocketAddr, Arc<FlowFacts>) -> Signal,
    outlet: Outlet,
) {
    let Connection { stream, local, peer, facts } = connection;
    let signal = signal(outlet.flow(), local, peer, Arc::new(facts));
    let pulse = Arc::clone(&manner.pulse);
    stream::run(name, signal, pulse, outlet, |messages, outlet| {
        talk(stream, peer, name, manner, messages, outlet)
    })
    .await;
}

/// Reads and writes, and says goodbye.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    socket: WebSocketStream<S>,
    peer: SocketAddr,
    name: &str,
    manner: Manner,
    messages: queue::Out,
    outlet: Outlet,
) {
    let (mut sink, mut stream) = socket.split();
    let ended = {
        let mut reader = pin!(read(&mut stream, peer, name, &manner, &outlet));
        tokio::select! {
            ended = &mut reader => Some(ended),
            written = write(&mut sink, &manner, messages) => match written {
                Ok(()) => None,
                // What the peer still said before it left counts, and says best why it left.
                Err(error) => {
                    let broke = || Ended::Untold(reason::broke(&name, error_words(&error)));
                    Some(timeout(LINGER, reader).await.unwrap_or_else(|_| broke()))
                }
            },
        }
    };
    match ended {
        Some(Ended::Untold(reason)) => return outlet.down(reason).await,
        Some(Ended::Told) => return,
        Some(Ended::Refused(code)) => {
            // RFC 6455 §7.1.7: the peer is told why. An ear that still listens keeps it from being
            // lost with a reset.
            let frame = CloseFrame { code, reason: Utf8Bytes::default() };
            let _ = timeout(LINGER, sink.send(Message::Close(Some(frame)))).await;
            if let Ok(mut socket) = stream.reunite(sink) {
                let mut rest = [0; 1024];
                let hear = async {
                    while socket.get_mut().read(&mut rest).await.is_ok_and(|length| length > 0) {}
                };
                let _ = timeout(LINGER, hear).await;
            }
            return;
        }
        None => {}
    }
    let frame = CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
    if sink.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = stream.next().await {}
    }
}

/// How we talk on a connection.
#[derive(Debug)]
pub(super) struct Manner {
    /// Whether everything goes in binary frames.
    pub(super) binary: bool,
    /// Its keep-alives.
    pub(super) pulse: Arc<Pulse>,
    /// What is known of the peer's frames.
    pub(super) watch: Watch,
    /// Whether the peer has connected to us: its frames are not waited for without end.
    pub(super) is_guest: bool,
}

/// Writes what is queued, and pings. `Ok` once the queue is dropped.
async fn write<S: AsyncRead + AsyncWrite + Unpin>(
    sink: &mut SplitSink<WebSocketStream<S>, Message>,
    manner: &Manner,
    mut messages: queue::Out,
) -> Result<(), Error> {
    let mut batch = Vec::with_capacity(WRITES);
    loop {
        tokio::select! {
            count = messages.take(&mut batch, WRITES) => {
                if count == 0 {
                    return Ok(());
                }
            }
            beat = manner.pulse.beat() => match beat {
                Beat::Ping => sink.feed(Message::Ping(Bytes::new())).await?,
                // The library answers the peer's pings.
                Beat::Answer(_) => {}
                Beat::Missing => return Err(Error::Io(keep_alive::missing())),
            },
        }
        for bytes in batch.drain(..) {
            sink.feed(frame(bytes, manner.binary)).await?;
        }
        sink.flush().await?;
    }
}

/// RFC 7118 §5: text where it is UTF-8, unless binary is wanted; binary otherwise.
fn frame(bytes: Bytes, binary: bool) -> Message {
    match Utf8Bytes::try_from(bytes.clone()) {
        Ok(text) if !binary => Message::Text(text),
        _ => Message::Binary(bytes),
    }
}

/// How reading came to its end.
enum Ended {
    /// The network knows already.
    Told,
    /// It is still to be told, in this sentence.
    Untold(String),
    /// The network knows; the peer is still to be told, by this code.
    Refused(CloseCode),
}

/// Reads until the connection ends.
async fn read<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    peer: SocketAddr,
    name: &str,
    manner: &Manner,
    outlet: &Outlet,
) -> Ended {
    let mut gather = Gather::new(outlet.flow());
    let watch = &manner.watch;
    let mut guest = manner.is_guest.then(|| (watch, outlet.patience()));
    let pulse = &*manner.pulse;
    loop {
        let mut heard = false;
        let until = guest.as_ref().and_then(|(_, patience)| patience.until());
        let is_inside = || guest.as_ref().is_some_and(|(watch, _)| watch.is_inside());
        let was_inside = is_inside();
        let frames = poll_fn(|cx| {
            match gather_frames(stream, (peer, pulse, watch), &mut gather, &mut heard, cx) {
                // A message has begun: from now on its end is waited for.
                Poll::Pending if is_inside() != was_inside => Poll::Ready(None),
                gathered => gathered,
            }
        });
        let end = match guests::before(until, frames).await {
            Some(end) => end,
            None if heard => None,
            None => {
                let why = guest.as_ref().map_or_else(String::new, |(_, it)| it.words());
                Some(End::Refused(CloseCode::Policy, why))
            }
        };
        if let Some((watch, patience)) = &mut guest {
            // A ping between the frames of a message does not make it whole.
            let is_whole = !gather.is_empty() || heard && !was_inside;
            patience.heard(Instant::now(), is_whole, watch.is_inside());
        }
        if !gather.is_empty() && outlet.send(gather.take()).await.is_err() {
            return Ended::Untold(reason::broke(&name, "sipboard has closed it"));
        }
        match end {
            None => {}
            Some(End::Broke(why)) => return Ended::Untold(reason::broke(&name, why)),
            Some(End::Refused(code, why)) => {
                let reason =
                    format!("the connection with {name} was closed with code {code}: {why}");
                let _ = outlet.send(vec![outlet.is_down(reason)]).await;
                return Ended::Refused(code);
            }
            Some(End::Closing(why)) => {
                // Told at once: no further request takes a connection that is being closed.
                let reason = format!("{name} closed the connection{why}");
                let _ = outlet.send(vec![outlet.is_down(reason)]).await;
                // Reading on writes the answer to the close frame (RFC 6455 §5.5.1).
                let answered = async { while let Some(Ok(_)) = stream.next().await {} };
                let _ = timeout(LINGER, answered).await;
                return Ended::Told;
            }
        }
    }
}

/// How a connection ends.
enum End {
    /// With a close frame.
    Closing(String),
    /// Without.
    Broke(String),
    /// By us: what the peer sent cannot be taken.
    Refused(CloseCode, String),
}

/// Gathers all frames that are there. Pings are answered by the library as it reads on.
fn gather_frames<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut SplitStream<WebSocketStream<S>>,
    (peer, pulse, watch): (SocketAddr, &Pulse, &Watch),
    gather: &mut Gather,
    heard: &mut bool,
    cx: &mut Context<'_>,
) -> Poll<Option<End>> {
    while !gather.is_full() {
        let next = stream.poll_next_unpin(cx);
        if next.is_pending() && !gather.is_empty() {
            break;
        }
        *heard |= matches!(next, Poll::Ready(Some(Ok(_))));
        match ready!(next) {
            Some(Ok(Message::Text(text))) => gather.message(peer, text.as_bytes()),
            Some(Ok(Message::Binary(bytes))) => gather.message(peer, &bytes),
            Some(Ok(Message::Close(frame))) => {
                return Poll::Ready(Some(End::Closing(close_words(
                    frame.as_ref(),
                    watch.close_code(),
                ))));
            }
            Some(Ok(Message::Pong(_))) => {
                if let Some(rtt) = pulse.answered(Instant::now()) {
                    gather.pong(rtt);
                }
            }
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Err(error)) => {
                let why = error_words(&error);
                return Poll::Ready(Some(match close_code(&error) {
                    Some(code) => End::Refused(code, why),
                    None => End::Broke(why),
                }));
            }
            None => return Poll::Ready(Some(End::Broke("the peer ended it".to_owned()))),
        }
    }
    Poll::Ready(None)
}
