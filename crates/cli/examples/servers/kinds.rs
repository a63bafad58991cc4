//! The servers, one a row: how each is started and loaded, and what must not stand in its log. A flat table, and nothing
//! else; what the columns mean is [`Kind`]'s to say, and a program that is not installed makes its row fail.

use crate::server::Kind;

const HELLO: &str = "Hello from a file.\n";
const WRK: &str = "wrk -t 2 -c 20 -d 2 --timeout 30 http://127.0.0.1:%/";
const WRK_ERRORS: &[&str] = &["Socket errors", "Non-2xx", "unable to"];

/// `12345 requests in 2.00s, 1.2MB read`.
fn wrk_requests(line: &str) -> Option<u64> {
    line.split_once(" requests in ")?.0.parse().ok()
}

/// A server of files or pages, which wrk loads; others say what differs.
const WEB: Kind = Kind {
    name: "",
    files: &[],
    setup: &[],
    command: "",
    fill: &[],
    client: WRK,
    client_errors: WRK_ERRORS,
    requests: wrk_requests,
    complaints: &["rror", "nterrupted"],
};

/// Those that `all` means.
pub(crate) const KINDS: &[Kind] = &[
    Kind {
        name: "redis",
        command: "redis-server --port % --bind 127.0.0.1 --save --appendonly no --dir @ --logfile @/log",
        client: "redis-benchmark -p % -n 20000 -c 50 -t get,set,lpush -q",
        client_errors: &["rror", "onnection", "closed"],
        requests: |line| line.contains("requests per second").then_some(20_000),
        complaints: &["nterrupted", "EINTR", "ASSERTION", "crash", "Error"],
        ..WEB
    },
    Kind {
        name: "postgres",
        setup: &["initdb -D @/data -U postgres -A trust --no-sync"],
        command: "postgres -D @/data -p % -k @ -h 127.0.0.1 -c fsync=off",
        fill: &["pgbench -h @ -p % -U postgres -i -q postgres"],
        client: "pgbench -h @ -p % -U postgres -n -c 6 -j 2 -T 2 postgres",
        client_errors: &["error", "ERROR", "FATAL", "aborted", "failed"],
        requests: |line| line.strip_prefix("number of transactions actually processed: ")?.parse().ok(),
        complaints: &["ERROR", "FATAL", "PANIC", "nterrupted", "terminated by", "could not"],
        ..WEB
    },
    Kind {
        name: "nginx",
        files: &[("nginx.conf", include_str!("nginx.conf")), ("index.html", HELLO)],
        command: "nginx -c @/nginx.conf -p @ -e @/log",
        complaints: &["[alert]", "[crit]", "[error]", "[emerg]"],
        ..WEB
    },
    Kind {
        name: "node",
        files: &[("server.js", include_str!("server.js")), ("index.html", HELLO)],
        command: "node @/server.js % @",
        complaints: &["rror", "EINTR"],
        ..WEB
    },
    Kind {
        name: "go",
        files: &[("server.go", include_str!("server.go")), ("index.html", HELLO)],
        setup: &["go build -o @/server @/server.go"],
        command: "@/server % @",
        complaints: &["rror", "interrupted", "panic"],
        ..WEB
    },
    Kind {
        name: "java",
        files: &[("Server.java", include_str!("Server.java")), ("index.html", HELLO)],
        setup: &["javac -d @ @/Server.java"],
        command: "java -cp @ Server % @",
        complaints: &["Exception", "rror", "nterrupted"],
        ..WEB
    },
];

/// Those that `more` means: runtimes that use signals for themselves, and servers of other makes.
pub(crate) const MORE: &[Kind] = &[
    Kind {
        name: "memcached",
        files: &[("load.py", include_str!("more/load.py"))],
        command: "memcached -l 127.0.0.1 -p % -U 0 -t 4",
        client: "/usr/bin/python3 @/load.py memcached %",
        ..WEB
    },
    Kind {
        name: "mariadb",
        setup: &["mariadb-install-db --no-defaults --datadir=@/data --skip-test-db"],
        command: "mariadbd --no-defaults --datadir=@/data --port=% --bind-address=127.0.0.1 --socket=@/sock --pid-file=@/pid --log-error=@/log --skip-grant-tables",
        client: "mariadb-slap --no-defaults -h 127.0.0.1 -P % -u root --protocol=tcp --auto-generate-sql --concurrency=6 --number-of-queries=3000",
        client_errors: &["ERROR", "rror:", "Cannot"],
        requests: |line| line.contains("Average number of seconds").then_some(3000),
        complaints: &["[ERROR]", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "apache2",
        files: &[("apache.conf", include_str!("more/apache.conf")), ("index.html", HELLO)],
        command: "apache2 -DFOREGROUND -f @/apache.conf",
        complaints: &[":error]", ":crit]", ":alert]", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "haproxy",
        files: &[("haproxy.cfg", include_str!("more/haproxy.cfg"))],
        command: "haproxy -db -f @/haproxy.cfg",
        complaints: &["ALERT", "rror", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "lighttpd",
        files: &[("lighttpd.conf", include_str!("more/lighttpd.conf")), ("index.html", HELLO)],
        command: "lighttpd -D -f @/lighttpd.conf",
        ..WEB
    },
    Kind {
        name: "mosquitto",
        files: &[
            ("mosquitto.conf", include_str!("more/mosquitto.conf")),
            ("load.py", include_str!("more/load.py")),
        ],
        command: "mosquitto -c @/mosquitto.conf",
        client: "/usr/bin/python3 @/load.py mqtt %",
        complaints: &["Error", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "beanstalkd",
        files: &[("load.py", include_str!("more/load.py"))],
        command: "beanstalkd -l 127.0.0.1 -p %",
        client: "/usr/bin/python3 @/load.py beanstalkd %",
        ..WEB
    },
    Kind {
        name: "dnsmasq",
        files: &[("load.py", include_str!("more/load.py"))],
        command: "dnsmasq -k -p % -C /dev/null --listen-address=127.0.0.1 --bind-interfaces --no-resolv --no-hosts --address=/x.test/10.0.0.1 --pid-file=@/pid --log-facility=-",
        client: "/usr/bin/python3 @/load.py dns %",
        complaints: &["rror", "failed", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "unbound",
        files: &[
            ("unbound.conf", include_str!("more/unbound.conf")),
            ("load.py", include_str!("more/load.py")),
        ],
        command: "unbound -d -c @/unbound.conf",
        client: "/usr/bin/python3 @/load.py dns %",
        complaints: &["error:", "fatal", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "varnish",
        files: &[("default.vcl", include_str!("more/varnish.vcl"))],
        command: "varnishd -F -j none -a 127.0.0.1:% -f @/default.vcl -n @/v -s malloc,16m",
        complaints: &["Error:", "Panic", "died", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "slapd",
        files: &[("slapd.conf", include_str!("more/slapd.conf")), ("load.py", include_str!("more/load.py"))],
        command: "slapd -d 0 -h ldap://127.0.0.1:%/ -f @/slapd.conf",
        client: "/usr/bin/python3 @/load.py ldap %",
        ..WEB
    },
    Kind {
        name: "sshd",
        files: &[("sshd_config", include_str!("more/sshd_config"))],
        setup: &["ssh-keygen -q -t ed25519 -N  -f @/hostkey"],
        command: "/usr/sbin/sshd -D -e -f @/sshd_config",
        client: "ssh-keyscan -T 60 -t ed25519 -p % 127.0.0.1 127.0.0.1 127.0.0.1 127.0.0.1 127.0.0.1",
        client_errors: &["rror", "closed", "reset"],
        requests: |line| line.contains("ssh-ed25519").then_some(1),
        complaints: &["error:", "fatal", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "dbus",
        files: &[("dbus.conf", include_str!("more/dbus.conf")), ("dbus.sh", include_str!("more/dbus.sh"))],
        command: "dbus-daemon --nofork --nopidfile --config-file=@/dbus.conf",
        client: "sh @/dbus.sh %",
        client_errors: &["Socket errors", "Failed"],
        ..WEB
    },
    Kind {
        name: "python-threads",
        files: &[("threads.py", include_str!("more/threads.py"))],
        command: "/usr/bin/python3 @/threads.py %",
        ..WEB
    },
    Kind {
        name: "python-asyncio",
        files: &[("events.py", include_str!("more/events.py"))],
        command: "/usr/bin/python3 @/events.py %",
        ..WEB
    },
    Kind {
        name: "puma",
        files: &[("config.ru", include_str!("more/config.ru"))],
        command: "puma -q -e production -b tcp://127.0.0.1:% -t 4:4 -w 2 @/config.ru",
        ..WEB
    },
    Kind {
        name: "erlang",
        files: &[("server.erl", include_str!("more/server.erl"))],
        setup: &["erlc -o @ @/server.erl"],
        command: "erl -noinput -pa @ -s server start %",
        complaints: &["rror", "nterrupted", "crash"],
        ..WEB
    },
    Kind {
        name: "php-fpm",
        files: &[
            ("fpm.conf", include_str!("more/fpm.conf")),
            ("index.php", include_str!("more/index.php")),
            ("load.py", include_str!("more/load.py")),
        ],
        command: "php-fpm8.2 -n -y @/fpm.conf",
        client: "/usr/bin/python3 @/load.py fastcgi % @",
        complaints: &["ERROR", "WARNING", "ALERT", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "mono",
        files: &[("Server.cs", include_str!("more/Server.cs"))],
        setup: &["mcs -out:@/server.exe @/Server.cs"],
        command: "mono @/server.exe %",
        complaints: &["rror", "Exception", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "sbcl",
        files: &[("server.lisp", include_str!("more/server.lisp"))],
        command: "sbcl --script @/server.lisp %",
        complaints: &["rror", "debugger", "nterrupted"],
        ..WEB
    },
    Kind {
        name: "guile",
        files: &[("server.scm", include_str!("more/server.scm"))],
        command: "guile --no-auto-compile @/server.scm %",
        complaints: &["rror", "hrow", "nterrupted"],
        ..WEB
    },
];
