/**
 * Keeps this machine's own host credential out of the tests.
 *
 * Run by root, the C clients of MyProxy take `/etc/grid-security/hostcert.pem` where there is one,
 * whatever `X509_USER_CERT` and `X509_USER_PROXY` say: `myproxy-init` unsets both before it connects. No
 * variable stops that. So where root runs the tests on such a machine, those programs run in a mount
 * namespace of their own, in which an empty directory stands in the place of that one.
 */
import { existsSync } from 'node:fs'
import { spawnSync } from './bounded.js'

const DIRECTORY = '/etc/grid-security'
const CERTIFICATE = `${DIRECTORY}/hostcert.pem`
const HIDE = `mount -t tmpfs -o mode=0755 none ${DIRECTORY} && exec "$@"`
const UNSHARE = ['unshare', '-m', 'sh', '-c', HIDE, 'sh']

let needed: boolean | undefined

/**
 * The command line that runs `program` where no host credential is seen; as it is where there is none,
 * or where we are not root and it cannot be read anyway.
 */
export function withoutHostCredential(
  program: string,
  args: readonly string[],
): [program: string, args: string[]] {
  needed ??= mustHide()
  const [first = program, ...words] = needed ? [...UNSHARE, program, ...args] : [program, ...args]
  return [first, words]
}

function mustHide(): boolean {
  if (process.getuid?.() !== 0 || !existsSync(CERTIFICATE)) return false
  const [program = '', ...args] = UNSHARE
  if (spawnSync(program, [...args, 'true']).status === 0) return true
  throw new Error(
    `as root the C clients use ${CERTIFICATE}, which cannot be hidden from them here: ` +
      'run the tests as another user',
  )
}
