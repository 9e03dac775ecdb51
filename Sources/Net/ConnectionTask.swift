import NIOCore

/// The one task of each client connection.
///
/// It is unstructured because a connection begins in a channel callback; it ends with the connection, which cancels it.
enum ConnectionTask {
    fileprivate struct Carrier: @unchecked Sendable {
        // Safety: the connection is confined to the loop whose executor runs the task.
        let connection: ServerConnection
    }

    static func start(_ connection: ServerConnection) -> Task<Void, Never> {
        let carrier = Carrier(connection: connection)
        let actor = connection.runtime.actor
        return Task(executorPreference: connection.runtime.executor) { await actor.serve(carrier) }
    }

    fileprivate static func run(_ carrier: Carrier) async { await carrier.connection.serve() }
}

extension LoopActor {
    /// Serves one connection isolated to this actor, so that nothing on the road of a call hops.
    fileprivate func serve(_ carrier: ConnectionTask.Carrier) async { await ConnectionTask.run(carrier) }
}
