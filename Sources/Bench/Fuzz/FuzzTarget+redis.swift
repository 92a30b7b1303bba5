// What the fuzz inputs for Redis and for the messages of other servers are made of.
extension FuzzTarget {
    static let replies = [
        "+OK\r\n", ":42\r\n", "$5\r\nhello\r\n", "$-1\r\n", "*-1\r\n", "*0\r\n",
        "-WRONGTYPE Operation\r\n", "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nab\r\n",
        "*4\r\n$8\r\npmessage\r\n$1\r\np\r\n$1\r\nc\r\n$0\r\n\r\n", "*1\r\n*1\r\n*1\r\n:1\r\n",
        "redis://user:p%40ss@127.0.0.1:6379/2", "redis://[::1]:1", "unix:///tmp/redis.sock?db=1",
        "rediss://host",
    ]

    static let replyTokens = [
        "\r\n", "$", "*", ":", "+", "-", "$999999999999\r\n", "*2147483648\r\n", "*9\r\n",
        "redis://", "unix://", "@", "%", "%00", "?db=", "[", "]", "/",
    ]

    static let clusterTexts = [
        #"{"uid":"x","type":2,"opts":{"rooms":["r"],"except":[]},"rooms":["a"]}"#,
        #"{"requestId":"r","type":3,"sid":"s","room":"a"}"#,
        #"{"uid":"x","requestId":"r","type":5,"opts":{"rooms":[],"except":["e"]}}"#,
        #"{"uid":"x","requestId":"r","type":6,"data":["ev",{"type":"Buffer","data":[1,255]}]}"#,
        #"{"requestId":"r","sockets":[{"id":"a","handshake":{"headers":{"a":["b",1]},"issued":1}}]}"#,
        #"{"type":8,"requestId":"r","clientCount":3}"#, #"{"type":6,"requestId":"r","data":1}"#,
        #"{"type":3,"data":{"packet":{"type":2,"data":["a",1]},"opts":{"rooms":["r"]}},"uid":"x","nsp":"/"}"#,
        #"{"type":7,"data":{"opts":{"flags":{"timeout":1e3}},"requestId":"r"},"uid":"x","nsp":"/"}"#,
        #"{"type":8,"data":{"requestId":"r","sockets":[{"id":"a"}]},"uid":"x","nsp":"/"}"#,
        #"{"type":12,"data":{"requestId":"r","packet":null},"uid":"x","nsp":"/"}"#,
    ]

    static let clusterTokens = [
        "\"type\":", "\"requestId\":", "\"uid\":", "\"nsp\":\"/\"", "\"opts\":", "\"data\":",
        "\"packet\":", "\"rooms\":", "\"sid\":", "\"clientCount\":", "99999999999999999999",
    ]
}
