/** Environments for programs of the VO's or of the site's. */
import { userInfo } from 'node:os'

type Environment = Readonly<Record<string, string | undefined>>

/** The system's own programs first, as the init script has them. */
const PATH = '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin'

/** What every program finds that we run: who it is, and where programs are. */
function accountVariables(): Record<string, string> {
  try {
    const { username, homedir, shell } = userInfo()
    return {
      HOME: homedir,
      USER: username,
      LOGNAME: username,
      SHELL: shell ?? '/bin/sh',
    }
  } catch {
    // A uid without an account.
    return { HOME: '/', SHELL: '/bin/sh' }
  }
}

/** For a hook: nothing of ours but the language and the time zone. */
export function cleanEnvironment({ LANG, TZ }: Environment): Record<string, string> {
  return {
    PATH,
    ...accountVariables(),
    ...(LANG !== undefined && { LANG }),
    ...(TZ !== undefined && { TZ }),
  }
}

/** Of our service manager's: an agent that believed these would speak for the service. */
const OURS = /^(NOTIFY_SOCKET|WATCHDOG_.*|LISTEN_.*|JOURNAL_STREAM|INVOCATION_ID|SYSTEMD_.*)$/

/**
 * For an agent: whatever the caller has, which is the grid's environment as the init script sources
 * it, with the account's own home, name and shell, since the caller may have been root.
 */
export function agentEnvironment(caller: Environment): Record<string, string> {
  const kept = Object.entries(caller).flatMap(([name, value]): [string, string][] =>
    value === undefined || OURS.test(name) ? [] : [[name, value]],
  )
  return { PATH, ...Object.fromEntries(kept), ...accountVariables() }
}
