import { MyProxyOwnerCommand, ownerFlags } from '../shared/myproxy-owner-command.js'
import { loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyDestroy extends MyProxyOwnerCommand {
  static override summary = 'Removes a credential of yours from a MyProxy server'
  static override description =
    'The one without a name, or the one that --credname names, and says what else of yours remains ' +
    'under the same user name. Proxies that were made of it live on until they end. Only the first ' +
    'server is asked: those behind it are often copies that take no orders.'
  static override examples = [
    {
      description: 'what was stored for a VO-Box',
      command: '<%= config.bin %> myproxy destroy -d',
    },
    {
      description: 'one of several',
      command: '<%= config.bin %> myproxy destroy -l anna -k portal',
    },
  ]
  static override flags = ownerFlags

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyDestroy)
    const library = await loadLibrary()
    const { ofKey } = await this.passPhrases({})
    const owner = await this.openOwner(flags, ofKey)
    const destroyed = await library.destroyStored(owner)
    if (flags.json) this.print(library.encodeDestroyed(destroyed))
    else this.print(library.showDestroyed(destroyed, flags.terse))
  }
}
