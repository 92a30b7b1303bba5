import Bytes
import Glibc
import HTTP1
import Loop
import Synchronization
import WebSocket

/// A folder of files served over HTTP, each read and compressed once and kept until it changes.
///
/// Meant for a page and a client bundle, not for a warehouse: a file is read on the loop that is
/// asked for it first.
package final class StaticFiles: Sendable {
    /// Whose rules apply.
    package enum Kind: Sendable {
        /// Any regular file below the folder; `/` is `index.html`.
        case page
        /// The official client's files alone, with its headers (protocol.md §22).
        case clientBundle
    }

    /// One file, ready to be sent.
    package struct File: Sendable {
        let content: SharedBytes
        let gzip: SharedBytes?
        let deflate: SharedBytes?
        let mediaType: String
        let entityTag: String
        let cacheControl: String
        fileprivate let stamp: Stamp
    }

    /// What tells that a file has changed.
    fileprivate struct Stamp: Equatable, Sendable {
        let seconds: Int
        let nanoseconds: Int
        let size: Int
    }

    private static let bundleNames: Set<String> = [
        "socket.io.js", "socket.io.js.map", "socket.io.min.js", "socket.io.min.js.map",
        "socket.io.esm.min.js", "socket.io.esm.min.js.map",
        "socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map",
    ]
    /// Larger files are not served, and smaller ones than this not compressed.
    private static let maxFileBytes = 16 << 20
    private static let compressionThreshold = 1024

    private let directory: String
    private let mount: SharedBytes
    private let kind: Kind
    private let cache = Mutex<[String: File]>([:])

    /// Serves `directory` below the path `mount`, which ends with `/`.
    package init(directory: String, mount: String, kind: Kind) {
        self.directory = directory
        self.mount = SharedBytes(mount)
        self.kind = kind
    }

    /// The file that `path` (as sent, percent-encoded) names, or nil.
    func file(at path: SharedBytes) -> File? {
        guard path.count >= mount.count, path[0..<mount.count] == mount else { return nil }
        switch kind {
        case .clientBundle:
            let name = path[mount.count..<path.count].text
            return Self.bundleNames.contains(name) ? load(name) : nil
        case .page:
            // The mount ends with the slash that the path below it begins with.
            let rest = path[mount.count - 1..<path.count]
            return StaticPath.components(of: rest).flatMap { load($0.joined(separator: "/")) }
        }
    }

    private func load(_ name: String) -> File? {
        // Symbolic links may lead to a file below the folder, not out of it.
        guard let folder = Self.resolved(directory),
            let path = Self.resolved(directory + "/" + name),
            path.utf8.starts(with: (folder == "/" ? folder : folder + "/").utf8)
        else { return nil }
        // Without blocking: opening a pipe would wait for its writer.
        let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW)
        guard number >= 0 else { return nil }
        let descriptor = Descriptor(adopting: number)
        var status = stat()
        guard fstat(number, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
            status.st_size <= Self.maxFileBytes
        else { return nil }
        let stamp = Stamp(
            seconds: status.st_mtim.tv_sec,
            nanoseconds: status.st_mtim.tv_nsec,
            size: status.st_size
        )
        if let file = cache.withLock({ $0[name] }), file.stamp == stamp { return file }
        guard let content = Self.read(descriptor, size: status.st_size) else { return nil }
        let file = makeFile(name, content, stamp)
        cache.withLock { $0[name] = file }
        return file
    }

    /// The path without symbolic links, if it exists.
    private static func resolved(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    private static func read(_ descriptor: borrowing Descriptor, size: Int) -> SharedBytes? {
        var bytes = [UInt8](repeating: 0, count: size)
        var filled = 0
        while filled < size {
            let count = bytes.withUnsafeMutableBytes {
                Glibc.read(descriptor.number, $0.baseAddress! + filled, size - filled)
            }
            guard count > 0 else { return nil }
            filled += count
        }
        return SharedBytes(bytes)
    }

    private func makeFile(_ name: String, _ content: SharedBytes, _ stamp: Stamp) -> File {
        var mediaType = MediaType.ofFile(named: name)
        let isWorthCompressing =
            content.count >= Self.compressionThreshold && mediaType.isCompressible
        let digest = SHA1.digest(of: content.bytes)
        var tag = "\""
        for index in 0..<8 {
            tag += String(digest[index] >> 4, radix: 16) + String(digest[index] & 15, radix: 16)
        }
        tag += "\""
        var cacheControl = "no-cache"
        if kind == .clientBundle {
            if let version = Self.version(of: content) { tag = "\"\(version)\"" }
            mediaType =
                name.hasSuffix(".map")
                ? "application/json; charset=utf-8" : "application/javascript; charset=utf-8"
            cacheControl = "public, max-age=0"
        }
        return File(
            content: content,
            gzip: isWorthCompressing ? Self.compressed(content, .gzip) : nil,
            deflate: isWorthCompressing ? Self.compressed(content, .zlib) : nil,
            mediaType: mediaType,
            entityTag: tag,
            cacheControl: cacheControl,
            stamp: stamp
        )
    }

    /// As small as can be: a file is compressed once.
    private static func compressed(
        _ content: SharedBytes,
        _ format: Deflater.Format
    ) -> SharedBytes? {
        var deflater = Deflater(format, level: 9)
        return deflater?.compress(whole: content.bytes)
    }

    /// The version in the bundle's first comment: `Socket.IO v4.8.1`.
    private static func version(of content: SharedBytes) -> String? {
        let head = content[0..<min(content.count, 200)].text
        guard let start = head.range(of: "Socket.IO v") else { return nil }
        let version = head[start.upperBound...].prefix { $0.isNumber || $0 == "." || $0 == "-" }
        return version.isEmpty ? nil : String(version)
    }
}

extension StaticFiles.File {
    /// The response to a request for the file: 200, or 304 if the client has it.
    func response(to head: RequestHead) -> RouteResponse {
        var fields = [
            ("Cache-Control", cacheControl), ("ETag", entityTag),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if gzip != nil { fields.append(("Vary", "Accept-Encoding")) }
        if let known = head.fields["If-None-Match"],
            EntityTag.isListed(entityTag, inIfNoneMatch: known)
        {
            return RouteResponse(status: 304, fields: fields)
        }
        fields.append(("Content-Type", mediaType))
        let offered: [ContentCoding] =
            (gzip == nil ? [] : [.gzip]) + (deflate == nil ? [] : [.deflate])
        let coding = AcceptEncoding.preferred(
            in: head.fields.all("Accept-Encoding"),
            of: offered
        )
        let encoded: SharedBytes? =
            switch coding {
            case .gzip?: gzip
            case .deflate?: deflate
            case .identity?, nil: nil
            }
        guard let coding, let encoded else {
            return RouteResponse(status: 200, fields: fields, body: content)
        }
        fields.append(("Content-Encoding", coding.rawValue))
        return RouteResponse(status: 200, fields: fields, body: encoded)
    }
}

extension String {
    /// Whether a media type gains from compression.
    fileprivate var isCompressible: Bool {
        contains("charset=utf-8") || self == "application/wasm"
    }

    /// Where `needle` first stands.
    fileprivate func range(of needle: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) {
                return start..<index(start, offsetBy: needle.count)
            }
            start = index(after: start)
        }
        return nil
    }
}
