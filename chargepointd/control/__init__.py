"""The local interface: JSON-RPC 2.0, one object a line, on a Unix socket (0660, group).

Methods become the same events as all else. A call returns when the event is taken, not when its OCPP traffic is over;
`watch` streams. The socket answers before and without the CSMS.

    method          params                              result
    status          -                                   {station: {id, vendor, model, serial_number, firmware_version,
                                                         started_at, uptime_s}, csms: {url, proxy (host and port) |
                                                         null, connected, subprotocol, registration, since,
                                                         offline_s}, availability, on_battery, faults: [str],
                                                         storage (why nothing can be kept), suspect? (why the disk is
                                                         not relied on), damaged: [str] (what it has lost),
                                                         firmware: {request, state} | null,
                                                         evses: [{id, availability, faults: [str], reserved_by?,
                                                           connectors: [{id, type, status}],
                                                           session?: {cable, authorized, token (masked),
                                                             transaction_id?, reference?, started_at?,
                                                             charging_state?, energy_wh?, power_w?, limit_a?,
                                                             limit_w? (DC)}}],
                                                         reservations: as below,
                                                         outbox: {queued, sent, oldest_at?, dead,
                                                           dropped?: as below, full: bool}}
    watch           -                                   {"watching": true}, then notifications {"method": "event",
                                                         "params": {at, kind, evse?, connector?, text, ...}} until the
                                                         client leaves; one that reads too slowly gets {"method":
                                                         "dropped", "params": {text}} and is left
    start           {evse, token, type?}                {"taken": true}     like a card at the reader of that EVSE
    stop            {evse} | {transaction_id}           {"taken": true}
    availability    {evse?, connector?, operative}      {"status": "Accepted"|"Scheduled"|"Rejected"}
    get             {variable | variables | prefix}     {"variables": [{name, value, attribute, mutability, type, unit?,
                                                         status}]}
    set             {variable, value, attribute?}       {"status": "Accepted"|"Rejected"|"RebootRequired"|..., reason?}
    unlock          {evse, connector?}                  {"status": "Unlocked"|"UnlockFailed"|...}
    reset           {evse?, mode: "immediate"|"onidle"| {"status": "Accepted"|"Scheduled"|"Rejected", reason?}: end
                    "resume"}                            transactions, wait for them, or have them go on afterwards
    limit           {act: "set"|"clear"|"show", evse?,  {"status": "Accepted"|"Rejected", reason?}; show: {"limits":
                    current_a? | power_w?, for_s?}       [{evse, limit, unit, source, by, until}]}: from outside
    outbox          {limit?}                            {queued, bytes, dead, others, dropped?: {records?,
                                                         values?, at}, messages: [{id, kind, at,
                                                         transaction_id, seq_no, attempts, state}]}
                    {act: "dead", after?, limit?}       {"letters": [{id, kind, transaction_id, seq_no, at, evse,
                                                         set_aside_at, attempts, reason}], more: bool}: what the CSMS
                                                         did not take, oldest first, behind the id `after`
                    {act: "export", after?, limit?}     the same with what billing needs: {station, message_id,
                                                         reference, action, payload, starter, energy_wh, ...}; tokens
                                                         are in full here, and only here
                    {act: "retry", ids?}                {sent, refused: [{id, why}], dead}: to the CSMS again; without
                                                         ids the oldest 500
                    {act: "forget", ids}                {dropped, refused: [{id, why}], dead}
    schedule        {evse?, duration?, unit?}           of an EVSE, of the station: {evse, starts_at, duration_s,
                                                         unit, periods: [{start_s, at, limit, phases?, phase_to_use?}]}
    profiles        -                                   {"profiles": [{id, evse, purpose, level, kind, recurrency?,
                                                         source, unit, periods: [{start_s, limit, phases?,
                                                         phase_to_use?}], starts_at?, duration_s?, min_rate?,
                                                         valid_from?, valid_to?, transaction_id?, awaited?: true}]}
    list            {token?, type?}                     {known_by: "list"|"cache"|"nobody", status?, expires_at?,
                                                         group?, evses?: [int]}; without a token {in_use, version,
                                                         entries, capacity, cached}
    reservations    -                                   {"reservations": [{id, evse?, connector?, connector_type?,
                                                         token, group? (masked), expires_at}]}
    drivers         -                                   {"drivers": [{name, driver, state: "up"|"down"|"starting",
                                                         reason?, since, devices: [{name, abilities: [str],
                                                         state, reading?, age_s?, used_by: [str]}]}]}
    pics            {version?}                          {version, answers: [{id, feature, answer, by}]}
    reset_csms      {}                                  {status}
    grid            {lost}                              {"taken": true}     the station runs from its back-up supply
    security_log    {limit?}                            {kept, events: [{id, at, kind, info, state}]}
    bundle          {since_s?}                          {filename, archive: a tar.gz in base64, parts: [str]}
    sim.*           the simulator's own, only where that driver is configured; see hal.drivers.simulator

Variables are named "Component.Variable", with what is needed of
"Component[instance]#evse.connector.Variable[instance]". Times are texts in ISO 8601, UTC. Which values a param may have
stands in `methods.py`; a param that is null counts as not given.

Errors: -32700 not JSON, -32600 no request, -32601 unknown method (a near one is named), -32602 wrong params (the param
and what was expected are named), -32603 a bug; and ours: 1 refused by the station's state, 2 unknown EVSE or connector,
3 unknown variable, 4 not available here (for example sim.* without the simulator), 5 too many clients.

    protocol.py  framing: bytes to requests, answers to bytes; ControlError and the codes
    methods.py   the methods and their params as a table
    server.py    the daemon's end, with listener.py (having the socket) and output.py (what goes to one client)
    client.py    the other end
    table.py     tables and colours for chargepointctl
"""
