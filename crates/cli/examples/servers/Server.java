// Answers with a file, from a pool of threads, after a short sleep; says which exceptions it met.
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.*;
import java.util.concurrent.Executors;

class Server {
    public static void main(String[] args) throws Exception {
        Path file = Path.of(args[1], "index.html");
        HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", Integer.parseInt(args[0])), 0);
        server.createContext("/", exchange -> {
            try (exchange) {
                Thread.sleep(1);
                byte[] text = Files.readAllBytes(file);
                exchange.sendResponseHeaders(200, text.length);
                exchange.getResponseBody().write(text);
            } catch (Exception error) {
                error.printStackTrace();
            }
        });
        server.setExecutor(Executors.newFixedThreadPool(16));
        server.start();
    }
}
