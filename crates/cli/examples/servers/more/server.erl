-module(server).
-about("An HTTP server with a process for each connection.").
-export([start/1]).

start([Port]) ->
    {ok, Listen} = gen_tcp:listen(list_to_integer(atom_to_list(Port)), [binary, {packet, http_bin}, {active, false},
        {ip, {127, 0, 0, 1}}, {reuseaddr, true}, {backlog, 128}, {nodelay, true}]),
    accept(Listen).

accept(Listen) ->
    {ok, Socket} = gen_tcp:accept(Listen),
    Pid = spawn(fun() -> receive go -> serve(Socket) end end),
    ok = gen_tcp:controlling_process(Socket, Pid),
    Pid ! go,
    accept(Listen).

serve(Socket) ->
    case gen_tcp:recv(Socket, 0) of
        {ok, http_eoh} ->
            ok = inet:setopts(Socket, [{packet, raw}]),
            _ = gen_tcp:send(Socket, <<"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n">>),
            ok = inet:setopts(Socket, [{packet, http_bin}]),
            serve(Socket);
        {ok, _} -> serve(Socket);
        {error, _} -> gen_tcp:close(Socket)
    end.
