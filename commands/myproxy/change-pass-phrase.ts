import { passPhraseFlags } from '../shared/myproxy-flags.js'
import { MyProxyOwnerCommand, ownerFlags } from '../shared/myproxy-owner-command.js'
import { loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyChangePassPhrase extends MyProxyOwnerCommand {
  static override summary = 'Changes the pass phrase of a credential that you have stored'
  static override description =
    'Asks for the pass phrase as it is, then twice for the new one, which must have at least six ' +
    'characters; from standard input or a file come two lines, the old one first. What was stored ' +
    'without a pass phrase cannot be given one: store it again. Only the first server is asked.'
  static override examples = [
    {
      description: 'on the terminal',
      command: '<%= config.bin %> myproxy change-pass-phrase -l anna',
    },
    {
      description: 'in a script, from a file with two lines',
      command:
        '<%= config.bin %> myproxy change-pass-phrase -l anna --pass-phrase-file old-and-new',
    },
  ]
  static override flags = { ...ownerFlags, ...passPhraseFlags }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyChangePassPhrase)
    const library = await loadLibrary()
    const passPhrases = await this.passPhrases(flags)
    const owner = await this.openOwner(flags, passPhrases.ofKey)
    const changed = await library.changeStoredPassPhrase({ ...owner, passPhrases })
    if (flags.json) this.print(library.encodePassPhraseChanged(changed))
    else this.print(library.showPassPhraseChanged(changed, flags.terse))
  }
}
