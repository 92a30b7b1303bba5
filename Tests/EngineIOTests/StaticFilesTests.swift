import Bytes
import EngineIOProtocol
import Glibc
import Testing

@testable import EngineIO

/// A folder of its own below the temporary one, removed in the end.
private final class Folder {
    let path: String
    private var made: [String] = []

    init() {
        var template = Array("/tmp/engineio-XXXXXX".utf8CString)
        path = String(cString: mkdtemp(&template))
    }

    deinit {
        for name in made.reversed() where unlink(name) != 0 { rmdir(name) }
        rmdir(path)
    }

    func add(_ name: String, _ text: String) {
        let file = fopen("\(path)/\(name)", "w")
        fputs(text, file)
        fclose(file)
        made.append("\(path)/\(name)")
    }

    func addFolder(_ name: String) {
        mkdir("\(path)/\(name)", 0o755)
        made.append("\(path)/\(name)")
    }

    func addLink(_ name: String, to target: String) {
        symlink(target, "\(path)/\(name)")
        made.append("\(path)/\(name)")
    }

    func addPipe(_ name: String) {
        mkfifo("\(path)/\(name)", 0o644)
        made.append("\(path)/\(name)")
    }
}

@Suite("Static files; protocol.md §22", .timeLimit(.minutes(5)))
struct StaticFilesTests {
    private func run(_ folder: Folder, _ body: (RawClient) throws -> Void) async throws {
        var routes = RouteTable()
        routes.add(StaticFiles(directory: folder.path, mount: "/", kind: .page))
        let bundle = StaticFiles(directory: folder.path, mount: "/socket.io/", kind: .clientBundle)
        try await TestServer.run(
            routes: routes,
            bundle: bundle,
            options: .with { $0.cors = CORSPolicy() }
        ) { server in
            try body(try server.client())
        }
    }

    @Test("Files below the folder, an index for a slash, types, HEAD, 405")
    func files() async throws {
        let folder = Folder()
        folder.add("index.html", "<p>")
        folder.add("a b.js", "1")
        folder.add("empty.txt", "")
        try await run(folder) { client in
            let index = try client.exchange("GET", "/")
            #expect(index.body == "<p>")
            #expect(index["content-type"] == "text/html; charset=utf-8")
            #expect(index["x-content-type-options"] == "nosniff")
            #expect(try client.exchange("GET", "/a%20b.js?x").body == "1")
            #expect(try client.exchange("GET", "/empty.txt").status == 200)
            #expect(try client.exchange("HEAD", "/")["content-length"] == "3")
            #expect(try client.exchange("POST", "/", body: "").status == 405)
        }
    }

    @Test("What lies outside the folder or is no regular file does not exist")
    func refused() async throws {
        let outside = Folder()
        outside.add("secret", "!")
        let folder = Folder()
        folder.add("file", "1")
        folder.add(".hidden", "!")
        folder.addFolder("folder")
        folder.addLink("inside", to: "file")
        folder.addLink("escape", to: outside.path + "/secret")
        folder.addLink("way", to: outside.path)
        folder.addLink("sibling", to: folder.path + "x")
        folder.addPipe("pipe")
        try await run(folder) { client in
            let inside = try client.exchange("GET", "/inside")
            #expect(inside.body == "1")
            for path in [
                "/escape", "/way/secret", "/sibling", "/pipe", "/folder", "/folder/", "/.hidden",
                "/../secret", "/%2e%2e/secret", "/folder/../file", "//file", "/file/", "/file%00",
                "/..%2fsecret", "/missing",
            ] {
                let response = try client.exchange("GET", path)
                #expect(response.status == 404, "\(path)")
            }
        }
    }

    @Test("A larger file than the limit is not served")
    func large() async throws {
        let folder = Folder()
        folder.add("large", "")
        truncate(folder.path + "/large", 16 << 20 + 1)
        try await run(folder) { client in
            let response = try client.exchange("GET", "/large")
            #expect(response.status == 404)
        }
    }

    @Test("RFC 9110 §12.5.3, §13.1.2: coding, Vary, ETag; a file that changes is read again")
    func negotiation() async throws {
        let folder = Folder()
        let text = String(repeating: "Hello ", count: 1000)
        folder.add("a.txt", text)
        try await run(folder) { client in
            let plain = try client.exchange("GET", "/a.txt")
            #expect(plain.body == text)
            #expect(plain["vary"] == "Accept-Encoding")
            #expect(plain["content-encoding"] == nil)
            for (accepted, coding) in [
                ("gzip, deflate, br", "gzip"), ("deflate, gzip;q=0.5", "deflate"),
                ("gzip;q=0", nil), ("br", nil),
            ] {
                let fields = ["Accept-Encoding: \(accepted)"]
                let response = try client.exchange("GET", "/a.txt", fields: fields)
                #expect(response["content-encoding"] == coding)
                #expect(response["vary"] == "Accept-Encoding")
            }
            let tag = try #require(plain["etag"])
            for known in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let fields = ["If-None-Match: \(known)"]
                let response = try client.exchange("GET", "/a.txt", fields: fields)
                #expect(response.status == 304)
                #expect(response["etag"] == tag)
            }
            folder.add("a.txt", "new")
            let fields = ["If-None-Match: \(tag)"]
            #expect(try client.exchange("GET", "/a.txt", fields: fields).body == "new")
        }
    }

    @Test("§22: four bundles and their maps, compressed and with a tag each")
    func bundles() async throws {
        let folder = Folder()
        let names = ["socket.io", "socket.io.min", "socket.io.esm.min", "socket.io.msgpack.min"]
            .flatMap { [$0 + ".js", $0 + ".js.map"] }
        let padding = String(repeating: "x", count: 2000)
        for name in names {
            let head = name.hasSuffix(".map") ? "{}" : "/*!\n * Socket.IO v4.8.3\n */"
            folder.add(name, head + padding + name)
        }
        try await run(folder) { client in
            for name in names {
                let path = "/socket.io/" + name
                let plain = try client.exchange("GET", path)
                #expect(plain.status == 200)
                #expect(plain.body.hasSuffix(name))
                let kind = name.hasSuffix(".map") ? "json" : "javascript"
                #expect(plain["content-type"] == "application/\(kind); charset=utf-8")
                let tag = try #require(plain["etag"])
                if !name.hasSuffix(".map") { #expect(tag == "\"4.8.3\"") }
                for coding in ["gzip", "deflate"] {
                    let fields = ["Accept-Encoding: \(coding)"]
                    let response = try client.exchange("GET", path, fields: fields)
                    #expect(response["content-encoding"] == coding)
                    #expect(response["etag"] == tag)
                    #expect(response.bytes.count < 200)
                }
                let known = ["If-None-Match: W/\(tag)"]
                #expect(try client.exchange("GET", path, fields: known).status == 304)
            }
        }
    }

    @Test("§22: the bundle comes before the engine, with its version and the CORS fields")
    func bundle() async throws {
        let folder = Folder()
        folder.add("socket.io.js", "/*!\n * Socket.IO v4.8.1\n */")
        folder.add("socket.io.js.map", "{}")
        folder.add("other.js", "!")
        try await run(folder) { client in
            let script = try client.exchange("GET", "/socket.io/socket.io.js?x=1")
            #expect(script.status == 200)
            #expect(script["content-type"] == "application/javascript; charset=utf-8")
            #expect(script["cache-control"] == "public, max-age=0")
            #expect(script["etag"] == "\"4.8.1\"")
            #expect(script["access-control-allow-origin"] == "*")
            let fields = ["If-None-Match: W/\"4.8.1\""]
            let known = try client.exchange("GET", "/socket.io/socket.io.js", fields: fields)
            #expect(known.status == 304)
            let map = try client.exchange("GET", "/socket.io/socket.io.js.map")
            #expect(map["content-type"] == "application/json; charset=utf-8")
            for name in ["other.js", "socket.io.min.js"] {
                let other = try client.exchange("GET", "/socket.io/" + name)
                #expect(other.body == RoutingExample.transportUnknown)
            }
        }
    }
}
