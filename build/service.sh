# Sourced by scripts that ask a service of their own at $address. They end $service, where there is one, when they end.
service=

# start_service LOG COMMAND...: in the background, until it listens at $address.
start_service() {
    "${@:2}" > "$1" 2>&1 &
    service=$!
    address=
    for _ in $(seq 300); do
        address=$(sed -nE 's/.*(Now listening on|Serves): +([^ ]+).*/\2/p' "$1" 2> /dev/null || true)
        [ -z "$address" ] || break
        kill -0 "$service" 2> /dev/null || break
        sleep 0.2
    done
    [ -n "$address" ] || { echo "The service does not start:"; cat "$1"; exit 1; }
}
stop_service() {
    kill "$service"
    wait "$service" || true
    service=
}
