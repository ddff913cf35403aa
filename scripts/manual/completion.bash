_vobox_proxy_match() { # WORDS BEGINNING
  mapfile -t COMPREPLY < <(compgen -W "$1" -- "$2")
}

_vobox_proxy_vos() {
  local directory
  for directory in "${VOBOX_PROXY_ROOT:-/var/lib/vobox}"/*/; do
    directory=${directory%/}
    directory=${directory##*/}
    case $directory in
      '' | [-.]* | *[!-_.A-Za-z0-9]*) ;;
      *) echo "$directory" ;;
    esac
  done
}

_vobox_proxy_values() { # KIND BEGINNING
  COMPREPLY=()
  case $1 in
    words\ *) _vobox_proxy_match "${1#words }" "$2" ;;
    vo) _vobox_proxy_match "$(_vobox_proxy_vos)" "$2" ;;
    account) mapfile -t COMPREPLY < <(compgen -u -- "$2") ;;
    # readline itself does it best: it knows quotes and tildes.
    file) compopt -o default ;;
  esac
}

# Sets command, which may be of two words. Bash takes a word apart at its equals signs and colons: "a=b" is three words here.
_vobox_proxy_find_command() {
  local at word kind
  for ((at = 1; at < COMP_CWORD; at++)); do
    word=${COMP_WORDS[at]}
    case $word in
      -*)
        word=${word#-}
        if _vobox_proxy_kind "${word#-}" "$command"; then
          [[ ${COMP_WORDS[at + 1]} != = ]] || ((++at))
          ((++at))
          while [[ ${COMP_WORDS[at + 1]-} == [:=]* ]]; do ((at += 2)); done
        fi
        ;;
      *)
        command=${command:+$command }$word
        _vobox_proxy_topic "$command" || return
        ;;
    esac
  done
}

_vobox_proxy() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command='' kind names options
  COMPREPLY=()

  if [[ $current == = ]]; then
    current=''
  elif [[ $previous == = ]]; then
    previous=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  _vobox_proxy_find_command
  if [[ $previous == -* ]]; then
    previous=${previous#-}
    if _vobox_proxy_kind "${previous#-}" "$command"; then
      _vobox_proxy_values "$kind" "$current"
      return
    fi
  fi

  _vobox_proxy_options "$command"
  if [[ $current != -* ]] && _vobox_proxy_topic "$command"; then
    _vobox_proxy_match "$names" "$current"
    return
  fi
  case $current:$command in
    --*) _vobox_proxy_match "$options" "$current" ;;
    -?*:*) _vobox_proxy_match "${options//--/-}" "$current" ;;
    -:*) _vobox_proxy_match "$options" - ;;
    *: | *:help) _vobox_proxy_match "$_vobox_proxy_commands" "$current" ;;
    :*) _vobox_proxy_match "$options" '' ;;
    *) ! _vobox_proxy_operand "$command" || _vobox_proxy_values "$kind" "$current" ;;
  esac
}

_vobox_renewd() {
  local current=${COMP_WORDS[COMP_CWORD]}
  case $COMP_CWORD in
    1) _vobox_proxy_values vo "$current" ;;
    2) _vobox_proxy_values account "$current" ;;
    3) _vobox_proxy_values file "$current" ;;
    4) _vobox_proxy_values "words $_vobox_renewd_actions" "$current" ;;
    *) COMPREPLY=() ;;
  esac
}

complete -F _vobox_proxy vobox-proxy
complete -F _vobox_renewd vobox-renewd
