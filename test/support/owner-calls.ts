/** What an owner and a machine that renews ask of an embedded server, with what tests mostly want. */
import { requestInfo, requestPut, requestRenewal } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Credential } from '../../src/proxy/credential.js'
import type { EmbeddedGrid } from './embedded-myproxy.js'
import { addProxy } from './pki.js'

const HOUR = 3600

export interface Upload {
  /** Default: alice, who is also the user name. */
  as?: Credential
  username?: string
  /** Default: a week, in seconds. */
  storedSeconds?: number
  /** Default: two days, in seconds. */
  lifetimeSeconds?: number
  credentialName?: string
  description?: string
  passPhrase?: string
  /** Default: everybody. */
  renewer?: string
}

export interface Renewal {
  /** Default: alice's DN. */
  username?: string
  /** Default: a proxy of the VO-Box. */
  machine?: Credential
  /** Default: a proxy of alice's. */
  current?: Credential
  /** Default: twelve hours, in seconds. */
  lifetimeSeconds?: number
  credentialName?: string
}

/** @param grid asked anew for each call. */
export function callsTo(grid: () => EmbeddedGrid) {
  const put = (upload: Upload = {}) => {
    const { myproxy, servers, users } = grid()
    const { alice } = users
    const { as = alice.credential, username = alice.dn, renewer = '*', ...rest } = upload
    return requestPut(myproxy, {
      ...{ servers, username, credential: as, policies: { renewer }, random: systemRandom },
      ...{ storedSeconds: 168 * HOUR, lifetimeSeconds: 48 * HOUR },
      ...rest,
    })
  }
  const renew = (renewal: Renewal = {}) => {
    const { myproxy, servers, users, hosts } = grid()
    return requestRenewal(myproxy, {
      ...{ servers, username: users.alice.dn, lifetimeSeconds: 12 * HOUR },
      machine: addProxy(hosts.vobox.credential),
      current: addProxy(users.alice.credential),
      ...renewal,
    })
  }
  const info = (username: string, credential: Credential) =>
    requestInfo(grid().myproxy, { servers: grid().servers, username, credential })
  return { put, renew, info }
}
