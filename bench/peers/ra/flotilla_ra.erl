%% One of three Erlang nodes with ra servers: a member of each group, and the load beside those that
%% lead. Told what to do by lines on its standard input, answers with a JSON object a line. The end
%% of standard input ends the node.
%%
%%   erl ... -s flotilla_ra -extra NUMBER DIR GROUPS VALUE_BYTES
%%
%%   {"port":N}      where it listens for the other nodes
%%   ports A B C     where the nodes listen, itself included
%%   {"started":N}   its ra servers run
%%   elect           once all run: the servers that should lead stand for election
%%   {"leads":N}     each group has a leader, N of them here
%%   run OUTSTANDING WARM_UP_MS MEASURE_MS
%%   {"acknowledged":N,"seconds":S,"cpuMicros":N,"latenciesUs":[N,...]}
-module(flotilla_ra).

-export([start/0]).

-define(MEMBERS, 3).
-define(LEADERS_MS, 60_000).
-define(POLL_MS, 20).

start() ->
    spawn(fun() ->
        try main(init:get_plain_arguments())
        catch _:Reason:Stack -> fail({Reason, Stack})
        end
    end).

main([Number, Dir, Groups, ValueBytes]) ->
    %% A process whose end is an error ends the node, with its reason.
    process_flag(trap_exit, true),
    Main = self(),
    Reader = spawn_link(fun() -> read_lines(Main) end),
    {ok, _} = net_kernel:start([node_name(list_to_integer(Number)), longnames]),
    answer("{\"port\":~b}", [flotilla_ra_ports:own()]),
    ["ports" | Ports] = next_line(Reader),
    Names = ["n" ++ integer_to_list(At) || At <- lists:seq(1, ?MEMBERS)],
    flotilla_ra_ports:set(maps:from_list(lists:zip(Names, [list_to_integer(P) || P <- Ports]))),
    start_ra(Dir),
    All = groups(list_to_integer(Groups)),
    in_parallel(fun start_server/1, All),
    answer("{\"started\":~b}", [length(All)]),
    ["elect"] = next_line(Reader),
    Leaders = elect(All, list_to_integer(Number)),
    answer("{\"leads\":~b}", [length(Leaders)]),
    ["run" | Sizes] = next_line(Reader),
    [Outstanding, WarmUpMs, MeasureMs] = [list_to_integer(Size) || Size <- Sizes],
    measure(Leaders, Outstanding, list_to_integer(ValueBytes), {WarmUpMs, MeasureMs}),
    next_line(Reader).

node_name(Number) -> list_to_atom("n" ++ integer_to_list(Number) ++ "@127.0.0.1").

groups(Count) -> [list_to_atom("g" ++ integer_to_list(At)) || At <- lists:seq(1, Count)].

start_ra(Dir) ->
    logger:set_primary_config(level, error),
    ok = application:load(ra),
    ok = application:set_env(ra, data_dir, Dir),
    %% Commands that a leader gathers into one turn, at most.
    ok = application:set_env(ra, low_priority_commands_flush_size, 128),
    %% An append into space that the file has already is cheaper to flush.
    ok = application:set_env(ra, wal_pre_allocate, true),
    {ok, _} = application:ensure_all_started(ra),
    {ok, _} = ra_system:start_default(),
    ok.

start_server(Group) ->
    Ids = [{Group, node_name(At)} || At <- lists:seq(1, ?MEMBERS)],
    Machine = {simple, fun(_Command, Count) -> Count + 1 end, 0},
    ok = ra:start_server(default, Group, {Group, node()}, Machine, Ids).

%% The groups are dealt to the nodes; who leads is for each group's members to say.
elect(Groups, Number) ->
    Numbered = lists:zip(lists:seq(1, length(Groups)), Groups),
    Own = [Group || {At, Group} <- Numbered, (At - 1) rem ?MEMBERS =:= Number - 1],
    in_parallel(fun(Group) -> ok = ra:trigger_election({Group, node()}, ?LEADERS_MS) end, Own),
    Deadline = erlang:monotonic_time(millisecond) + ?LEADERS_MS,
    Leaders = [{Group, await_leader(Group, Deadline)} || Group <- Groups],
    [{Group, node()} || {Group, Node} <- Leaders, Node =:= node()].

await_leader(Group, Deadline) ->
    case ra_leaderboard:lookup_leader(Group) of
        {Group, Node} -> Node;
        undefined ->
            erlang:monotonic_time(millisecond) < Deadline orelse error({no_leader, Group}),
            timer:sleep(?POLL_MS),
            await_leader(Group, Deadline)
    end.

%% Each waits for the disk: side by side they share its flushes.
in_parallel(Act, Items) ->
    Monitors = [spawn_monitor(fun() -> Act(Item) end) || Item <- Items],
    [receive {'DOWN', Monitor, process, _, Reason} -> normal = Reason end
     || {_, Monitor} <- Monitors],
    ok.

measure(Leaders, Outstanding, ValueBytes, {_, MeasureMs} = Times) ->
    {Acknowledged, CpuMicros, Latencies} =
        flotilla_ra_load:run(Leaders, Outstanding, ValueBytes, Times),
    Listed = lists:join(",", [integer_to_list(Latency) || Latency <- Latencies]),
    answer("{\"acknowledged\":~b,\"seconds\":~.3f,\"cpuMicros\":~b,\"latenciesUs\":[~s]}",
           [Acknowledged, MeasureMs / 1000, CpuMicros, Listed]).

next_line(Reader) ->
    receive
        {line, Reader, Words} -> Words;
        {'EXIT', _, Reason} when Reason =/= normal -> fail(Reason)
    end.

read_lines(Main) ->
    case io:get_line("") of
        Line when is_list(Line) ->
            Main ! {line, self(), string:lexemes(Line, " \n")},
            read_lines(Main);
        _ -> erlang:halt(0, [{flush, false}])
    end.

answer(Format, Arguments) -> io:put_chars([io_lib:format(Format, Arguments), $\n]).

fail(Reason) ->
    Text = lists:flatten(io_lib:format("~0p", [Reason])),
    Quoted = [case Char of $" -> $'; $\\ -> $/; _ -> Char end || Char <- Text, Char >= $\s],
    answer("{\"failed\":\"~s\"}", [Quoted]),
    erlang:halt(1).
