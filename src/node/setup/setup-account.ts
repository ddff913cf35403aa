/** The VO admin's account, as the system's own tool tells it: accounts may come from LDAP. */
import { execFileSync } from 'node:child_process'
import { checkAdminName } from '../../config/vo-name.js'
import { VoboxError } from '../../errors.js'
import { uidOfAccount } from '../compose/become-admin.js'

export interface Account {
  name: string
  uid: number
  gid: number
  group: string
}

/** @throws VoboxError `VO_NAME_INVALID`; `NOT_PERMITTED` where there is no such account, or it is root's. */
export function accountOf(admin: string): Account {
  const name = checkAdminName(admin)
  const uid = uidOfAccount(name)
  if (uid === 0) {
    throw new VoboxError('NOT_PERMITTED', `${name} is root, and a VO admin must not be`, {
      hint: 'Make an account for the VO, and name it with --admin',
      data: { admin: name },
    })
  }
  return { name, uid, gid: Number(ask('-g', name)), group: checkAdminName(ask('-gn', name)) }
}

function ask(what: '-g' | '-gn', account: string): string {
  return execFileSync('/usr/bin/id', [what, '--', account], {
    encoding: 'utf8',
    env: { PATH: '/usr/bin:/bin' },
    timeout: 10_000,
  }).trim()
}
