import Core
import NIOCore
import NIOSSL
import NIOTLS
import Transport
import Wire

/// The life of the channel: made, secured, closed.
extension UpstreamConnection {
    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.timer.owner = self
        self.runtime.figures.noteOpen()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.timer.owner = nil
        self.timer.disarm()
        self.leaveShelf()
        self.runtime.figures.noteClosed()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted? = event as? TLSUserEvent {
            self.runtime.executor.scope {
                if !self.hasRightName(context) {
                    self.handshakeFailure = .tlsFailed("the certificate is not for \(self.shelf.endpoint.host)")
                }
                self.noteReady()
            }
        }
        context.fireUserInboundEventTriggered(event)
    }

    private func noteReady() {
        self.isReady = true
        let onReady = self.onReady
        self.onReady = nil
        onReady?()
    }

    /// Addresses are checked by the TLS library against the socket; names are checked here once more, by name alone.
    private func hasRightName(_ context: ChannelHandlerContext) -> Bool {
        let host = self.shelf.endpoint.host
        if (try? SocketAddress(ipAddress: host, port: 0)) != nil { return true }
        guard let certificate = try? context.pipeline.syncOperations.nioSSL_peerCertificate() else { return false }
        return CertificateName.covers(host, certificate)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.runtime.executor.scope {
            if !self.isReady {
                self.handshakeFailure = .tlsFailed(Self.describe(error))
                self.noteReady()
            }
        }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.runtime.executor.scope {
            self.stopUpload()
            var reason = UpstreamEnd.call
            switch self.state {
            case .idle:
                reason = .upstream
                self.runtime.pool.remove(self)
            case .head:
                if self.wasStale { reason = .upstream }
                self.fail(TransportError.closedBeforeHead)
            case .body:
                do throws(HTTPParseError) {
                    try self.body.close()
                    self.state = .complete
                    reason = .upstream
                    self.waiter.wake()
                } catch {
                    self.fail(TransportError.closedInBody)
                }
            case .complete, .closed:
                break
            }
            if self.state != .complete { self.state = .closed }
            if !self.isReady {
                self.handshakeFailure = self.handshakeFailure ?? .tlsFailed("closed during the handshake")
                self.noteReady()
            } else if self.isMade {
                self.runtime.figures.noteEnd(self.endReason ?? reason)
            }
        }
        context.fireChannelInactive()
    }

    /// The library's own words about a failed handshake: certificate names and reasons, no data.
    private static func describe(_ error: any Error) -> String {
        switch error {
        case NIOSSLError.handshakeFailed(let reason): "handshake failed: \(reason)"
        case let error as NIOSSLExtraError: "\(error)"
        default: "\(error)"
        }
    }
}
