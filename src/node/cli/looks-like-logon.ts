/** Command lines for which a bundle of their own is there. Apart, so that the first one stays small. */

/** Whether it is worth loading what reads the line. */
export function looksLikeLogon([first, second]: readonly string[]): boolean {
  if (first === 'myproxy') return second === 'logon'
  return first === 'myproxy-logon' || first === 'myproxy-get-delegation'
}

/** The same for the MyProxy server; what else is in that topic is a command like any other. */
export function looksLikeServer([first, second]: readonly string[]): boolean {
  return first === 'myproxy-server' && second !== 'replicate'
}
