"""A server on one event loop, with a child that it starts now and then."""
import asyncio
import sys


async def serve(reader, writer):
    try:
        while await reader.readuntil(b"\r\n\r\n"):
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionResetError):
        pass
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", int(sys.argv[1]))
    async with server:
        while True:
            child = await asyncio.create_subprocess_exec("true")
            if await child.wait() != 0:
                print("error: a child failed", file=sys.stderr)
            await asyncio.sleep(0.05)


asyncio.run(main())
