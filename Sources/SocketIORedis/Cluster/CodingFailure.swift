/// Why a message of another server is not understood; it is ignored and counted.
enum CodingFailure: Error, Equatable {
    /// Neither JSON nor MessagePack, or something is missing that has to be there.
    case malformed
    /// Meant for others: another namespace, or this server's own message come back.
    case notForUs
    /// A kind of message that this server does not know.
    case unknownType
}
