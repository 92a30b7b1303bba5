import Bytes
import Loop

extension RedisAddress {
    private static let hash = UInt8(ascii: "#")
    /// The longest URL, in bytes.
    private static let longestURL = 4096

    /// Reads a URL: `redis://[[user]:password@]host[:port][/db]`, `unix://[user:password@]/path`.
    ///
    /// Parts are percent-decoded; an IPv6 address stands in brackets; `?db=N` names the database
    /// too; `redis+unix` is `unix`.
    /// - Throws: `RedisURLError`.
    package init(url: String) throws(RedisURLError) {
        guard url.utf8.count <= Self.longestURL else { throw .tooLong }
        // Bytes are compared, not characters: a letter's accent would hide a delimiter before it.
        let bytes = url.utf8
        guard let colon = bytes.firstIndex(of: ASCII.colon),
            bytes[colon...].starts(with: "://".utf8)
        else { throw .notAScheme }
        guard !bytes.contains(where: { $0 <= ASCII.space || $0 == ASCII.delete || $0 == Self.hash })
        else { throw .strayCharacter }
        let rest = url[bytes.index(colon, offsetBy: 3)...]
        switch url[..<colon].lowercased() {
        case "redis": self = try Self.tcp(rest)
        case "unix", "redis+unix": self = try Self.unix(rest)
        case "rediss": throw .tlsIsNotBuiltIn
        default: throw .notAScheme
        }
    }

    private static func tcp(_ text: Substring) throws(RedisURLError) -> RedisAddress {
        let (authority, path, query) = parts(text)
        let (user, password, place) = try credentials(authority)
        let (host, port) = try hostAndPort(place)
        let digits = path.isEmpty ? path : after(path.startIndex, in: path)
        guard digits.isEmpty || query == nil else { throw .badDatabase }
        return RedisAddress(
            endpoint: .tcp(host: host, port: port),
            user: user,
            password: password,
            database: digits.isEmpty ? try database(query) : try number(digits)
        )
    }

    private static func unix(_ text: Substring) throws(RedisURLError) -> RedisAddress {
        let (authority, path, query) = parts(text)
        let (user, password, place) = try credentials(authority)
        let file = try decoded(path)
        guard place.isEmpty, file.utf8.count > 1, file.utf8.count <= 107, !file.utf8.contains(0)
        else { throw .badSocketPath }
        return RedisAddress(
            endpoint: .unix(path: file),
            user: user,
            password: password,
            database: try database(query)
        )
    }

    /// What stands before the first `/` or `?`, the path with its `/`, what follows the `?`.
    private static func parts(_ text: Substring) -> (Substring, path: Substring, query: Substring?)
    {
        let question = text.utf8.firstIndex(of: ASCII.questionMark)
        let front = text[..<(question ?? text.endIndex)]
        let slash = front.utf8.firstIndex(of: ASCII.slash) ?? front.endIndex
        return (front[..<slash], front[slash...], question.map { after($0, in: text) })
    }

    private static func after(_ index: String.Index, in text: Substring) -> Substring {
        text[text.utf8.index(after: index)...]
    }

    /// The user and password before the last `@`, and what follows it.
    private static func credentials(
        _ authority: Substring
    ) throws(RedisURLError) -> (user: String?, password: String?, rest: Substring) {
        guard let at = authority.utf8.lastIndex(of: UInt8(ascii: "@")) else {
            return (nil, nil, authority)
        }
        let rest = after(at, in: authority)
        let info = authority[..<at]
        guard let colon = info.utf8.firstIndex(of: ASCII.colon) else {
            guard info.isEmpty else { throw .userWithoutPassword }
            return (nil, nil, rest)
        }
        let user = try decoded(info[..<colon])
        let password = try decoded(after(colon, in: info))
        // A user without a password of its own (`nopass`) is still named to Redis.
        if user.isEmpty { return (nil, password.isEmpty ? nil : password, rest) }
        return (user, password, rest)
    }

    private static func hostAndPort(
        _ place: Substring
    ) throws(RedisURLError) -> (host: String, port: Int) {
        var host = place
        var port = Substring()
        let isBracketed = place.utf8.first == ASCII.openBracket
        if isBracketed {
            guard let end = place.utf8.firstIndex(of: ASCII.closeBracket) else { throw .badHost }
            host = after(place.startIndex, in: place[..<end])
            let rest = after(end, in: place)
            guard rest.utf8.first == ASCII.colon || rest.isEmpty, host.utf8.contains(ASCII.colon)
            else { throw .badHost }
            port = rest.isEmpty ? rest : after(rest.startIndex, in: rest)
        } else if let colon = place.utf8.firstIndex(of: ASCII.colon) {
            host = place[..<colon]
            port = after(colon, in: place)
        }
        let name = try decoded(host)
        let isName = name.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && !"/?#@[]\\".utf8.contains($0)
        }
        guard isName, isBracketed || !name.utf8.contains(ASCII.colon) else { throw .badHost }
        return (name.isEmpty ? "localhost" : name, try portNumber(port))
    }

    private static func portNumber(_ text: Substring) throws(RedisURLError) -> Int {
        if text.isEmpty { return defaultPort }
        guard isDigits(text), let port = Int(text), (1...65_535).contains(port) else {
            throw .badPort
        }
        return port
    }

    /// The number of `db=` in a query; 0 without a query.
    private static func database(_ query: Substring?) throws(RedisURLError) -> Int {
        guard let query, !query.isEmpty else { return 0 }
        guard query.utf8.starts(with: "db=".utf8) else { throw .unknownParameter }
        return try number(query[query.utf8.index(query.startIndex, offsetBy: 3)...])
    }

    private static func number(_ text: Substring) throws(RedisURLError) -> Int {
        guard isDigits(text), let number = Int32(text) else { throw .badDatabase }
        return Int(number)
    }

    private static func isDigits(_ text: Substring) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy(ASCII.isDigit)
    }

    /// `text` with its `%XX` replaced (RFC 3986 §2.1).
    private static func decoded(_ text: Substring) throws(RedisURLError) -> String {
        var bytes: [UInt8] = []
        var input = text.utf8.makeIterator()
        while let byte = input.next() {
            guard byte == ASCII.percent else {
                bytes.append(byte)
                continue
            }
            guard let high = input.next().flatMap(ASCII.hexValue),
                let low = input.next().flatMap(ASCII.hexValue)
            else { throw .badPercentEncoding }
            bytes.append(high << 4 | low)
        }
        guard let decoded = String(validating: bytes, as: UTF8.self) else {
            throw .badPercentEncoding
        }
        return decoded
    }
}
