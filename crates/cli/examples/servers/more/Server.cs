// A server with a thread for each connection, and garbage for its collector.
using System;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;

class Server {
    static void Serve(TcpClient client) {
        try {
            var stream = client.GetStream();
            var answer = Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n");
            var buffer = new byte[4096];
            int got;
            while ((got = stream.Read(buffer, 0, buffer.Length)) > 0) {
                var garbage = new byte[20000];
                garbage[got] = 1;
                stream.Write(answer, 0, answer.Length);
            }
        } catch (System.IO.IOException) { }
        client.Close();
    }

    static void Main(string[] args) {
        var listener = new TcpListener(IPAddress.Loopback, int.Parse(args[0]));
        listener.Start(128);
        while (true) {
            var client = listener.AcceptTcpClient();
            new Thread(() => Serve(client)).Start();
        }
    }
}
