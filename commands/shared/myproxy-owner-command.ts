/** What commands on one's own stored credentials share: who asks, about what, and how it is said. */
import type { OwnerOptions } from '../../src/index.js'
import { type ConnectionFlags, MyProxyCommand } from './myproxy-command.js'
import { connectionFlags, terseFlag, usernameFlags } from './myproxy-flags.js'
import { jsonFlag, loadLibrary } from './vobox-command.js'

export const ownerFlags = {
  ...connectionFlags,
  ...usernameFlags,
  ...jsonFlag,
  ...terseFlag,
}

interface OwnerFlags extends ConnectionFlags {
  username?: string | undefined
  'dn-as-username'?: boolean
  credname?: string | undefined
}

export abstract class MyProxyOwnerCommand extends MyProxyCommand {
  /** @param passPhrase of the key of the caller's certificate; asked where there is no proxy. */
  protected async openOwner(
    flags: OwnerFlags,
    passPhrase: (file: string) => Promise<Buffer>,
  ): Promise<OwnerOptions> {
    await this.refuseVo(flags)
    const { readOwnCredential, usernameOf } = await loadLibrary()
    const client = await this.openMyProxy(flags)
    const environment = process.env
    const { credential } = await readOwnCredential({ environment, passPhrase })
    const { username, credname, 'dn-as-username': dnAsUsername } = flags
    return {
      client,
      credential,
      username: usernameOf({ username, dnAsUsername, credential, environment }),
      credentialName: credname,
    }
  }
}
