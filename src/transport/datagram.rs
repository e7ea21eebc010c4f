//! What the system knows of a datagram beside its bytes: at which address of ours it came in, from
//! which address one is to leave, and to whom one went that was refused (ICMP). Where a system does
//! not tell, or cannot be asked without more, it is left to choose.

pub(super) use system::{receive, refused, send_from, tell_local, tell_refused};

#[cfg(any(target_os = "linux", target_os = "android"))]
mod system {
    use std::{
        io::{self, IoSlice, IoSliceMut},
        net::{IpAddr, SocketAddr},
        os::fd::AsRawFd,
    };

    use nix::{
        errno::Errno,
        libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo},
        sys::socket::{
            ControlMessage, ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, sendmsg,
            setsockopt, sockopt,
        },
    };
    use socket2::Socket;
    use tokio::{io::Interest, net::UdpSocket};

    /// Has the system say at which address of ours each datagram came in.
    pub(in crate::transport) fn tell_local(socket: &Socket, ours: IpAddr) -> io::Result<()> {
        match ours {
            IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?,
            IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?,
        }
        Ok(())
    }

    /// Has the system say which datagrams of a socket that is not connected were refused.
    pub(in crate::transport) fn tell_refused(socket: &Socket, ours: IpAddr) -> io::Result<()> {
        match ours {
            IpAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true)?,
            IpAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true)?,
        }
        Ok(())
    }

    /// A datagram that is there: its length, who sent it, and our address that it came to, where
    /// [`tell_local`] was asked for.
    pub(in crate::transport) fn receive(
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr, Option<IpAddr>)> {
        socket.try_io(Interest::READABLE, || {
            let mut control = [0; CONTROL];
            let mut parts = [IoSliceMut::new(buffer)];
            let flags = MsgFlags::MSG_DONTWAIT;
            let (fd, control) = (socket.as_raw_fd(), Some(&mut control[..]));
            let came = recvmsg::<SockaddrStorage>(fd, &mut parts, control, flags)?;
            let source = came.address.as_ref().and_then(address).ok_or(Errno::EINVAL)?;
            let ours = came.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
                ControlMessageOwned::Ipv4PacketInfo(info) => Some(ip4(info.ipi_spec_dst)),
                ControlMessageOwned::Ipv6PacketInfo(info) => Some(ip6(info.ipi6_addr)),
                _ => None,
            });
            Ok((came.bytes, source, ours))
        })
    }

    /// Sends a datagram from that address of ours.
    pub(in crate::transport) fn send_from(
        socket: &UdpSocket,
        ours: IpAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> io::Result<()> {
        socket.try_io(Interest::WRITABLE, || {
            let (four, six);
            let from = match ours {
                IpAddr::V4(ours) => {
                    let ours = in_addr { s_addr: u32::from_ne_bytes(ours.octets()) };
                    let none = in_addr { s_addr: 0 };
                    four = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: ours, ipi_addr: none };
                    ControlMessage::Ipv4PacketInfo(&four)
                }
                IpAddr::V6(ours) => {
                    let ours = in6_addr { s6_addr: ours.octets() };
                    six = in6_pktinfo { ipi6_addr: ours, ipi6_ifindex: 0 };
                    ControlMessage::Ipv6PacketInfo(&six)
                }
            };
            let (to, flags) = (SockaddrStorage::from(to), MsgFlags::MSG_DONTWAIT);
            sendmsg(socket.as_raw_fd(), &[IoSlice::new(bytes)], &[from], flags, Some(&to))?;
            Ok(())
        })
    }

    /// A datagram that was refused: to whom it went, and why; where [`tell_refused`] was asked for.
    pub(in crate::transport) fn refused(socket: &UdpSocket) -> Option<(SocketAddr, io::Error)> {
        let take = || {
            let mut control = [0; CONTROL];
            // The beginning of what was sent, which is known.
            let mut start = [0; 1];
            let mut parts = [IoSliceMut::new(&mut start)];
            let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
            let (fd, control) = (socket.as_raw_fd(), Some(&mut control[..]));
            let came = recvmsg::<SockaddrStorage>(fd, &mut parts, control, flags)?;
            let to = came.address.as_ref().and_then(address);
            let why = came.cmsgs().ok().into_iter().flatten().find_map(|control| match control {
                ControlMessageOwned::Ipv4RecvErr(error, _)
                | ControlMessageOwned::Ipv6RecvErr(error, _) => {
                    i32::try_from(error.ee_errno).ok().map(io::Error::from_raw_os_error)
                }
                _ => None,
            });
            Ok(to.zip(why))
        };
        // What cannot be read is none of ours; the next may be.
        while let Ok(came) = socket.try_io(Interest::ERROR, take) {
            if came.is_some() {
                return came;
            }
        }
        None
    }

    /// More than any of these control messages has.
    const CONTROL: usize = 256;

    fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
        let four = storage.as_sockaddr_in().map(|it| SocketAddr::from((it.ip(), it.port())));
        four.or_else(|| {
            let six = storage.as_sockaddr_in6()?;
            Some(std::net::SocketAddrV6::from(*six).into())
        })
    }

    fn ip4(address: in_addr) -> IpAddr {
        IpAddr::from(address.s_addr.to_ne_bytes())
    }

    fn ip6(address: in6_addr) -> IpAddr {
        IpAddr::from(address.s6_addr)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod system {
    use std::{
        io,
        net::{IpAddr, SocketAddr},
    };

    use socket2::Socket;
    use tokio::net::UdpSocket;

    pub(in crate::transport) fn tell_local(_socket: &Socket, _ours: IpAddr) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::transport) fn tell_refused(_socket: &Socket, _ours: IpAddr) -> io::Result<()> {
        Ok(())
    }

    pub(in crate::transport) fn receive(
        socket: &UdpSocket,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr, Option<IpAddr>)> {
        socket.try_recv_from(buffer).map(|(length, source)| (length, source, None))
    }

    pub(in crate::transport) fn send_from(
        socket: &UdpSocket,
        _ours: IpAddr,
        to: SocketAddr,
        bytes: &[u8],
    ) -> io::Result<()> {
        socket.try_send_to(bytes, to).map(drop)
    }

    pub(in crate::transport) fn refused(_socket: &UdpSocket) -> Option<(SocketAddr, io::Error)> {
        None
    }
}
