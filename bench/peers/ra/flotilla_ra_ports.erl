%% What Erlang nodes ask of epmd, without epmd: nodes listen on ports that the system chose, and are
%% told of each other's. So no daemon is started that would outlive the run.
-module(flotilla_ra_ports).

-export([own/0, set/1]).
-export([start_link/0, register_node/2, register_node/3, listen_port_please/2]).
-export([address_please/3, port_please/2, port_please/3, names/1]).

-define(DISTRIBUTION_VERSION, 6).

%% The port that this node listens on.
own() -> persistent_term:get({?MODULE, own}).

%% #{"n1" => 35001, ...}
set(Ports) -> persistent_term:put({?MODULE, ports}, Ports).

start_link() -> ignore.

listen_port_please(_Name, _Host) -> {ok, 0}.

register_node(Name, Port) -> register_node(Name, Port, inet).

register_node(_Name, Port, _Family) ->
    persistent_term:put({?MODULE, own}, Port),
    {ok, erlang:system_time(second) band 16#FFFFFFF + 1}.

address_please(Name, _Host, _Family) ->
    case persistent_term:get({?MODULE, ports}, #{}) of
        #{Name := Port} -> {ok, {127, 0, 0, 1}, Port, ?DISTRIBUTION_VERSION};
        #{} -> {error, nxdomain}
    end.

port_please(Name, Host) -> port_please(Name, Host, infinity).

port_please(Name, Host, _Timeout) ->
    case address_please(Name, Host, inet) of
        {ok, _, Port, Version} -> {port, Port, Version};
        {error, _} -> noport
    end.

names(_Host) -> {error, address}.
