import EngineIO
import EngineIOProtocol
import HTTP1
import WebSocket

/// The options as the layers below know them.
extension ServerOptions {
    var engine: EngineOptions {
        var engine = EngineOptions()
        engine.path = normalizedPath + (addsTrailingSlash ? "/" : "")
        engine.pingInterval = pingInterval
        engine.pingTimeout = pingTimeout
        engine.upgradeTimeout = upgradeTimeout
        engine.maxHTTPBufferSize = maxHTTPBufferSize
        engine.allowsPolling = transports.contains(.polling)
        engine.allowsWebSocket = transports.contains(.webSocket)
        engine.allowsUpgrades = allowsUpgrades
        engine.deflate = perMessageDeflate?.policy
        engine.httpCompressionThreshold = httpCompression?.threshold
        engine.cors = cors?.policy
        engine.cookie = cookie?.sessionCookie
        engine.maxSendQueueBytes = sendQueue.maxBytes
        engine.maxSendQueuePackets = sendQueue.maxPackets
        engine.sendQueuePolicy = sendQueue.policy.engine
        engine.httpLimits.maxHeadBytes = http.maxHeadBytes
        engine.httpLimits.maxFieldCount = http.maxFieldCount
        engine.httpLimits.maxTargetBytes = http.maxTargetBytes
        engine.httpLimits.maxBodyBytes = http.maxBodyBytes
        engine.headTimeout = http.headTimeout
        engine.bodyTimeout = http.bodyTimeout
        engine.keepAliveTimeout = http.keepAliveTimeout
        engine.maxUnsentBytes = http.maxUnsentBytes
        engine.listenBacklog = listenBacklog
        engine.allowsEIO3 = allowEIO3
        engine.initialPacket = initialPacket
        return engine
    }

    /// `allowRequest` as the engine asks it.
    var engineAllowRequest: (@Sendable (HandshakeRequest) async -> HandshakeDecision)? {
        guard let allowRequest else { return nil }
        let trust = proxyTrust
        return { request in
            switch await allowRequest(ConnectionRequest(request, trust)) {
            case .allow: return .allow
            case .refuse(let message): return .refuse(message)
            }
        }
    }

    /// Whom to ask for clients' addresses.
    var proxyTrust: ProxyTrust { ProxyTrust(hops: trustedProxyHops) }

    /// Where the client's files are.
    var bundlePath: String { normalizedPath + "/" }

    /// The path with its leading slash and without a trailing one.
    private var normalizedPath: String {
        let path = path.hasPrefix("/") ? path : "/" + path
        return path.hasSuffix("/") ? String(path.dropLast()) : path
    }
}

extension LogLevel {
    init(_ level: EngineIO.LogLevel) {
        switch level {
        case .error: self = .error
        case .warning: self = .warning
        case .info: self = .info
        case .debug: self = .debug
        }
    }
}

extension CORSOptions {
    var policy: CORSPolicy {
        let origin: CORSPolicy.Origin =
            switch origin {
            case .any: .any
            case .fixed(let origin): .fixed(origin)
            case .list(let origins): .list(origins)
            case .reflected: .reflectAll
            case .matching(let isAllowed): .matching(isAllowed)
            }
        return CORSPolicy(
            origin: origin,
            credentials: allowsCredentials,
            methods: methods,
            allowedHeaders: allowedHeaders,
            exposedHeaders: exposedHeaders,
            maxAge: maxAge
        )
    }
}

extension DeflateOptions {
    var policy: DeflatePolicy {
        var policy = DeflatePolicy()
        policy.threshold = threshold
        policy.serverNoContextTakeover = serverNoContextTakeover
        policy.clientNoContextTakeover = clientNoContextTakeover
        policy.serverMaxWindowBits = serverMaxWindowBits
        policy.clientMaxWindowBits = clientMaxWindowBits
        policy.level = level
        policy.memoryLevel = memoryLevel
        return policy
    }
}

extension CookieOptions {
    var sessionCookie: SessionCookie {
        SessionCookie(
            name: name,
            path: path,
            domain: domain,
            maxAge: maxAge,
            isHTTPOnly: isHTTPOnly,
            isSecure: isSecure,
            sameSite: sameSite.map { .init($0) }
        )
    }
}

extension SessionCookie.SameSite {
    init(_ sameSite: CookieOptions.SameSite) {
        switch sameSite {
        case .lax: self = .lax
        case .strict: self = .strict
        case .none: self = .none
        }
    }
}
