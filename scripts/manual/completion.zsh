_vobox_proxy_complete_commands() {
  _describe -t commands command _vobox_proxy_commands
}

_vobox_proxy_vos() {
  local expl
  local -a names=("${VOBOX_PROXY_ROOT:-/var/lib/vobox}"/*(N/:t))
  names=(${(M)names:#[A-Za-z0-9_][-_.A-Za-z0-9]#})
  _wanted vos expl VO compadd -a names
}

_vobox_proxy() {
  local word command= at
  local -a specs
  for ((at = 2; at < CURRENT; at++)); do
    word=${words[at]}
    case $word in
      (-*=*) ;;
      (-*) (( ${_vobox_proxy_valued[(Ie)${${word#-}#-}]} )) && ((at++)) ;;
      (*)
        command=${command:+$command }$word
        (( ${_vobox_proxy_topics[(Ie)$command]} )) || break
        ;;
    esac
  done
  _vobox_proxy_options "$command"
  _arguments '1:command:_vobox_proxy_complete_commands' $specs
}

_vobox_renewd() {
  _arguments '1:VO:_vobox_proxy_vos' '2:VO admin:_users' \
    '3:root of the VO directories:_directories' \
    "4:action:(${_vobox_renewd_actions})"
}

case $service in
  (vobox-proxy) _vobox_proxy "$@" ;;
  (vobox-renewd) _vobox_renewd "$@" ;;
esac
