%% The load beside the leaders of one node: a few clients, each with its share of the groups and of
%% the commands in flight. A command's correlation is when it was sent, in µs: nothing else has to be
%% kept of it.
-module(flotilla_ra_load).

-export([run/4]).

-define(CLIENTS_MAX, 8).
%% The latency of one command in so many is kept, where there are that many in flight.
-define(SAMPLE_EVERY, 64).
-define(DRAIN_MS, 10_000).

-record(load, {zero, begin_us, end_us, value, sample_every, owner}).

%% Returns {Acknowledged, CpuMicros, LatenciesUs} of the measured time.
run(Leaders, Outstanding, ValueBytes, {WarmUpMs, MeasureMs}) ->
    Load = #load{zero = erlang:monotonic_time(microsecond),
                 begin_us = WarmUpMs * 1000,
                 end_us = (WarmUpMs + MeasureMs) * 1000,
                 value = binary:copy(<<"v">>, ValueBytes),
                 sample_every = min(?SAMPLE_EVERY, Outstanding),
                 owner = self()},
    Count = min(?CLIENTS_MAX, min(Outstanding, length(Leaders))),
    Clients = [spawn_link(fun() -> client(Load, Groups, Share) end)
               || {Groups, Share} <- lists:zip(deal(Leaders, Count), shares(Outstanding, Count))],
    timer:sleep(WarmUpMs),
    {CpuBefore, _} = erlang:statistics(runtime),
    timer:sleep(MeasureMs),
    {CpuAfter, _} = erlang:statistics(runtime),
    Figures = lists:map(fun await_figures/1, Clients),
    {Counts, Latencies} = lists:unzip(Figures),
    {lists:sum(Counts), (CpuAfter - CpuBefore) * 1000, lists:append(Latencies)}.

%% Clients are linked to a process that traps exits.
await_figures(Client) ->
    receive
        {figures, Client, Counted, Samples} -> {Counted, Samples};
        {'EXIT', Client, Reason} when Reason =/= normal -> exit(Reason)
    end.

deal(Leaders, Count) ->
    Numbered = lists:zip(lists:seq(1, length(Leaders)), Leaders),
    [[Leader || {At, Leader} <- Numbered, At rem Count =:= Client]
     || Client <- lists:seq(0, Count - 1)].

shares(_Total, 0) -> [];
shares(Total, Count) ->
    [Total div Count + (if At =< Total rem Count -> 1; true -> 0 end)
     || At <- lists:seq(1, Count)].

%% Each group has its share in flight at any time. Where there are more groups than commands, a
%% command that came back is followed by one in the group that has waited longest.
client(Load, Groups, Share) ->
    Dealt = lists:zip(Groups, shares(Share, length(Groups))),
    lists:foreach(fun({Group, Commands}) -> send(Load, Group, Commands) end, Dealt),
    Idle = queue:from_list([Group || {Group, 0} <- Dealt]),
    {Counted, Samples} = serve(Load, Idle, Share, {0, []}),
    Load#load.owner ! {figures, self(), Counted, Samples}.

serve(_Load, _Idle, 0, Figures) -> Figures;
serve(Load, Idle, Underway, Figures0) ->
    receive
        {ra_event, Group, {applied, Applied}} ->
            Now = now_us(Load),
            Figures = note(Load, Applied, Now, Figures0),
            Count = length(Applied),
            if
                Now >= Load#load.end_us -> serve(Load, Idle, Underway - Count, Figures);
                true ->
                    {{value, Next}, Rest} = queue:out(queue:in(Group, Idle)),
                    send(Load, Next, Count),
                    serve(Load, Rest, Underway, Figures)
            end;
        {ra_event, Group, {rejected, Reason}} -> error({rejected, Group, Reason})
    after Load#load.end_us div 1000 + ?DRAIN_MS ->
        error({commands_lost, Underway})
    end.

note(Load, Applied, Now, {Counted, Samples})
  when Now >= Load#load.begin_us, Now < Load#load.end_us ->
    sample(Load, Applied, Now, {Counted, Samples});
note(_Load, _Applied, _Now, Figures) -> Figures.

sample(_Load, [], _Now, Figures) -> Figures;
sample(#load{sample_every = Every} = Load, [{Sent, _Reply} | Rest], Now, {Counted, Samples}) ->
    Kept = if Counted rem Every =:= 0 -> [Now - Sent | Samples]; true -> Samples end,
    sample(Load, Rest, Now, {Counted + 1, Kept}).

send(_Load, _Group, 0) -> ok;
send(Load, Group, Count) -> send(Load, Group, Count, now_us(Load)).

send(_Load, _Group, 0, _Now) -> ok;
send(Load, Group, Count, Now) ->
    %% Of low priority are those that ra gathers: one turn of the leader for many of them.
    ok = ra:pipeline_command(Group, Load#load.value, Now, low),
    send(Load, Group, Count - 1, Now).

now_us(#load{zero = Zero}) -> erlang:monotonic_time(microsecond) - Zero.
