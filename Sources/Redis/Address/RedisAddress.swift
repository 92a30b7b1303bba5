package import Loop

/// Where Redis is, and as whom and in which database to work there.
package struct RedisAddress: Hashable, Sendable, CustomStringConvertible, CustomReflectable {
    /// The port where none is named.
    package static let defaultPort = 6379

    /// Its host and port, or its socket.
    package let endpoint: Endpoint
    /// The user of Redis's access control list; nil for the default user.
    package let user: String?
    package let password: String?
    /// The number that `SELECT` gets.
    package let database: Int

    /// An address of the given parts.
    package init(
        endpoint: Endpoint,
        user: String? = nil,
        password: String? = nil,
        database: Int = 0
    ) {
        self.endpoint = endpoint
        self.user = user
        self.password = password
        self.database = database
    }

    /// The same server and user elsewhere: another node of a cluster.
    package func at(_ endpoint: Endpoint) -> RedisAddress {
        RedisAddress(endpoint: endpoint, user: user, password: password, database: database)
    }

    /// The URL without the user and the password.
    package var description: String {
        switch endpoint {
        case .tcp:
            "redis://\(endpoint)" + (database == 0 ? "" : "/\(database)")
        case .unix(let path):
            "unix://\(path)" + (database == 0 ? "" : "?db=\(database)")
        }
    }

    /// Only what `description` shows: `dump` does not show the password either.
    package var customMirror: Mirror {
        Mirror(self, children: ["url": description])
    }
}
