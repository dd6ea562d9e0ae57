# bash completion for chargepointctl(1); installed as /usr/share/bash-completion/completions/chargepointctl

_chargepointctl() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
    local general="--socket --state-dir --json --no-color --help"
    local commands="status watch start stop availability get set unlock reset outbox reset-csms list security-log bundle schedule profiles limit grid reservations drivers pics sim"
    local scenes="plug-in plug-out drive-in drive-out swipe press contract want-contract pause resume raise-error clear-error disconnect connect
        meter contact site state display transactions"
    local command="" scene="" word i words=""
    COMPREPLY=()

    case $prev in
        --socket|--export|--config) compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return ;;
        --state-dir) compopt -o filenames; COMPREPLY=($(compgen -d -- "$cur")); return ;;
        --type) COMPREPLY=($(compgen -W "ISO14443 ISO15693 KeyCode Local Central eMAID MacAddress" -- "$cur")); return ;;
        --unit) COMPREPLY=($(compgen -W "A W" -- "$cur")); return ;;
        --version) COMPREPLY=($(compgen -W "1.6 2.0.1" -- "$cur")); return ;;
        --action) COMPREPLY=($(compgen -W "Install Update" -- "$cur")); return ;;
        --side) COMPREPLY=($(compgen -W "station ev" -- "$cur")); return ;;
        --retry) COMPREPLY=($(compgen -W "all" -- "$cur")); return ;;
        --attribute) COMPREPLY=($(compgen -W "Actual Target MinSet MaxSet" -- "$cur")); return ;;
        --token|--transaction|--evse|--connector|--prefix|--limit|--forget|--for|--since|--duration|--reader|--device|--energy-wh) return ;;
    esac

    # the command, and the one after "sim": the first words that are neither options nor their values
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        case $word in
            --socket|--state-dir|--config|--since) ((i++)) ;;
            -*) ;;
            *) if [[ -z $command ]]; then command=$word; elif [[ -z $scene ]]; then scene=$word; fi ;;
        esac
    done
    [[ $command == sim && -n $scene ]] && command="sim $scene"

    case $command in
        "") words=$commands ;;
        sim) words=$scenes ;;
        start) words="--token --type" ;;
        list) words="--type" ;;
        stop) words="--transaction" ;;
        availability) words="operative inoperative --evse --connector" ;;
        get) words="--prefix" ;;
        grid) words="lost back" ;;
        set) words="--attribute" ;;
        reset) words="--evse --on-idle --resume" ;;
        outbox) words="--limit --dead --retry --export --forget" ;;
        security-log) words="--limit" ;;
        pics) words="--version" ;;
        limit) words="set clear show --evse --for" ;;
        schedule) words="--duration --unit" ;;
        bundle) words="--since --config"; [[ $cur == -* ]] || { compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return; } ;;
        "sim raise-error"|"sim clear-error")
            words="ground_fault stuck_relay over_temperature over_current lock_failure meter_dead pilot_fault
                isolation_fault supply_fault emergency_stop driver_dead meter_still meter_nan" ;;
        "sim plug-in") words="--connector" ;;
        "sim plug-out") words="--force --side" ;;
        "sim swipe") words="--type --reader" ;;
        "sim press") words="--device" ;;
        "sim contract") [[ $cur == -* ]] || { compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur")); return; } ;;
        "sim want-contract") words="--action" ;;
        "sim meter") words="--energy-wh" ;;
        "sim contact") words="closed open --device" ;;
        "sim site") words="--dead" ;;
        "sim transactions") words="--evse --token" ;;
    esac
    COMPREPLY=($(compgen -W "$words $general" -- "$cur"))
}
complete -F _chargepointctl chargepointctl
