/// What is wrong with the URL of a Redis server.
///
/// No case carries a part of the URL: that part might be the password.
package enum RedisURLError: Error, Equatable, Sendable, CustomStringConvertible {
    case tooLong
    case notAScheme
    case tlsIsNotBuiltIn
    case badPercentEncoding
    case strayCharacter
    case userWithoutPassword
    case badHost
    case badPort
    case badDatabase
    case unknownParameter
    case badSocketPath

    /// One line that says what to write instead.
    package var description: String {
        switch self {
        case .tooLong:
            "Redis URL: it is longer than 4,096 bytes"
        case .notAScheme:
            "Redis URL: it must begin with redis:// or unix://, as in redis://127.0.0.1:6379"
        case .tlsIsNotBuiltIn:
            "Redis URL: TLS (rediss://) is not built in; run stunnel or another TLS proxy beside "
                + "this server and connect to that with redis:// or unix://"
        case .badPercentEncoding:
            "Redis URL: '%' must be followed by two hexadecimal digits, and the text be UTF-8; "
                + "write %25 for '%'"
        case .strayCharacter:
            "Redis URL: '#', spaces and control characters must be percent-encoded, and in a "
                + "password also / ? @ and :"
        case .userWithoutPassword:
            "Redis URL: a user needs a password, redis://user:password@host; a password alone is "
                + "redis://:password@host"
        case .badHost:
            "Redis URL: the host must be a name, an IPv4 address or an IPv6 address in brackets; "
                + "percent-encode / ? # @ and : in the password"
        case .badPort:
            "Redis URL: the port must be a number from 1 to 65535; percent-encode / ? # @ and : in "
                + "the password"
        case .badDatabase:
            "Redis URL: the database must be one number, as in redis://host/2 or unix:///path?db=2"
        case .unknownParameter:
            "Redis URL: after '?' only db=N is understood; percent-encode / and ? in the password"
        case .badSocketPath:
            "Redis URL: a socket's path must begin with '/' and have at most 107 bytes, as in "
                + "unix:///run/redis.sock"
        }
    }
}
