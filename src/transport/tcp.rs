//! SIP on a stream of bytes, TCP or TLS over it (RFC 3261 §18).

use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split},
    pin,
    time::timeout,
};

use crate::{
    sip::{FlowId, Frame, Framer},
    transport::{
        FlowFacts, Signal,
        flow::{Gather, Outlet},
        guests::{self, Patience},
        keep_alive::{self, Beat, Pulse},
        queue, reason,
        stream::{self, Connection, LINGER, Side, WRITES},
    },
};

/// How much is read at once.
const READ: usize = 16 << 10;

/// How long a peer that says nothing more may still be written to, counted from our last message:
/// a client that has ended its half still waits for its answers.
const HALF_CLOSED: Duration = Duration::from_secs(10);

/// How long the owner has to answer the last message of a stream that cannot be followed.
const ANSWERED: Duration = Duration::from_millis(100);

/// Announces the flow, then reads and writes until the connection ends or the queue is dropped.
pub(super) async fn run<S: AsyncRead + AsyncWrite + Unpin>(
    connection: Connection<S>,
    name: &str,
    side: Side,
    pulse: Arc<Pulse>,
    signal: impl FnOnce(FlowId, SocketAddr, SocketAddr, Arc<FlowFacts>) -> Signal,
    outlet: Outlet,
) {
    let Connection { stream, local, peer, facts } = connection;
    let signal = signal(outlet.flow(), local, peer, Arc::new(facts));
    let beats = Arc::clone(&pulse);
    stream::run(name, signal, pulse, outlet, |messages, outlet| {
        talk(stream, peer, name, side, &beats, messages, outlet)
    })
    .await;
}

/// Reads and writes, and says goodbye.
async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    peer: SocketAddr,
    name: &str,
    side: Side,
    pulse: &Pulse,
    messages: queue::Out,
    outlet: Outlet,
) {
    let (mut input, output) = split(stream);
    let mut writer = Writer { output, messages, unsent: BytesMut::new(), batch: Vec::new() };
    let end = {
        let patience = (side == Side::Accepted).then(|| outlet.patience());
        let reader = read(&mut input, peer, &outlet, pulse, patience);
        pin!(reader);
        tokio::select! {
            end = &mut reader => end,
            written = writer.run(pulse) => match written {
                Ok(()) => End::Ours,
                // What the peer still said before it left counts, and says best why it left.
                Err(error) => match timeout(LINGER, reader).await {
                    Ok(End::Broke(why)) => End::Broke(why),
                    _ => End::Broke(reason::words(&error)),
                },
            },
        }
    };
    match end {
        End::Ours => {
            // What the peer still sends is read, so that what we wrote is not lost with a reset.
            if writer.output.shutdown().await.is_ok() {
                let mut rest = [0; 1024];
                while input.read(&mut rest).await.is_ok_and(|length| length > 0) {}
            }
        }
        End::Theirs => {
            let reason = format!("{name} closed the connection");
            match side {
                Side::Accepted => {
                    while let Ok(Ok(true)) = timeout(HALF_CLOSED, writer.step(pulse)).await {}
                    let _ = timeout(LINGER, writer.output.shutdown()).await;
                    outlet.down(reason).await;
                }
                // A server that has ended its half answers nothing any more: no further request
                // takes this connection. What it asked before is answered.
                Side::Dialed => {
                    outlet.down(reason).await;
                    let _ = timeout(LINGER, writer.run(pulse)).await;
                    let _ = timeout(LINGER, writer.output.shutdown()).await;
                }
            }
        }
        End::Unreadable(why) => {
            // RFC 3261 §18.3: nobody knows where its next message begins. What came of this one is
            // answered before the end, which an ear that still listens keeps from being a reset.
            let _ = timeout(ANSWERED, writer.run(pulse)).await;
            let _ = timeout(LINGER, writer.last()).await;
            outlet.down(format!("the connection with {name} was closed: {why}")).await;
            let mut rest = [0; 1024];
            let hear =
                async { while input.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
            let _ = timeout(LINGER, hear).await;
        }
        End::Broke(why) => outlet.down(reason::broke(&name, why)).await,
    }
}

/// How a connection ends.
#[derive(Debug)]
enum End {
    /// We have nothing more to say.
    Ours,
    /// The peer has nothing more to say.
    Theirs,
    /// The peer said something that cannot be followed.
    Unreadable(String),
    /// It broke.
    Broke(String),
}

/// Reads until the stream ends.
async fn read<S: AsyncRead>(
    input: &mut ReadHalf<S>,
    peer: SocketAddr,
    outlet: &Outlet,
    pulse: &Pulse,
    mut patience: Option<Patience>,
) -> End {
    let mut framer = Framer::new(outlet.limits());
    let mut gather = Gather::new(outlet.flow());
    let mut buffer = vec![0; READ];
    loop {
        let until = patience.as_ref().and_then(Patience::until);
        let Some(came) = guests::before(until, input.read(&mut buffer)).await else {
            return End::Unreadable(patience.map_or_else(String::new, |it| it.words()));
        };
        let length = match came {
            Ok(0) if framer.pending() == 0 => return End::Theirs,
            Ok(0) => {
                let pending = framer.pending();
                return End::Broke(format!(
                    "the peer ended it inside of a message, after {pending} of its bytes"
                ));
            }
            // A peer over TLS that leaves without its goodbye.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return End::Theirs,
            Err(error) => return End::Broke(reason::words(&error)),
            Ok(length) => length,
        };
        framer.push(&buffer[..length]);
        let mut is_whole = false;
        let broken = loop {
            match framer.frame() {
                Ok(Some(Frame::Message(bytes))) => {
                    is_whole = true;
                    gather.message(peer, &bytes);
                }
                Ok(Some(frame @ (Frame::Ping | Frame::Pong))) => {
                    is_whole = true;
                    // Two answers in a row look like a ping: what is waited for goes first.
                    match pulse.answered(Instant::now()) {
                        Some(rtt) => gather.pong(rtt),
                        // RFC 5626 §4.4.1: a ping is answered with one CRLF.
                        None if frame == Frame::Ping => pulse.pinged(),
                        None => {}
                    }
                }
                Ok(None) => break None,
                Err(error) => break Some(error),
            }
            if gather.is_full() && outlet.send(gather.take()).await.is_err() {
                return End::Ours;
            }
        };
        if !gather.is_empty() && outlet.send(gather.take()).await.is_err() {
            return End::Ours;
        }
        if let Some(patience) = &mut patience {
            patience.heard(Instant::now(), is_whole, framer.pending() > 0);
        }
        if let Some(error) = broken {
            return End::Unreadable(error.to_string());
        }
    }
}

/// What is to be written. Everything in it survives that a future of its is dropped.
#[derive(Debug)]
struct Writer<S> {
    output: WriteHalf<S>,
    messages: queue::Out,
    unsent: BytesMut,
    batch: Vec<Bytes>,
}

impl<S: AsyncWrite> Writer<S> {
    /// Writes what is queued. `Ok` once the queue is dropped.
    async fn run(&mut self, pulse: &Pulse) -> io::Result<()> {
        while self.step(pulse).await? {}
        Ok(())
    }

    /// Writes what has to wait no longer; `false` once the queue is dropped.
    async fn step(&mut self, pulse: &Pulse) -> io::Result<bool> {
        self.write().await?;
        tokio::select! {
            count = self.messages.take(&mut self.batch, WRITES) => {
                self.batch.drain(..).for_each(|bytes| self.unsent.extend_from_slice(&bytes));
                self.write().await?;
                Ok(count > 0)
            }
            beat = pulse.beat() => {
                match beat {
                    Beat::Answer(owed) => self.unsent.extend_from_slice(&b"\r\n".repeat(owed)),
                    Beat::Ping => self.unsent.extend_from_slice(b"\r\n\r\n"),
                    Beat::Missing => return Err(keep_alive::missing()),
                }
                self.write().await?;
                Ok(true)
            }
        }
    }

    /// Writes what is queued now, and ends our half.
    async fn last(&mut self) -> io::Result<()> {
        while let Some(bytes) = self.messages.take_now() {
            self.unsent.extend_from_slice(&bytes);
        }
        self.write().await?;
        self.output.shutdown().await
    }

    async fn write(&mut self) -> io::Result<()> {
        if self.unsent.is_empty() {
            return Ok(());
        }
        self.output.write_all_buf(&mut self.unsent).await?;
        self.output.flush().await
    }
}
