import { Flags } from '@oclif/core'
import { MyProxyCommand } from '../shared/myproxy-command.js'
import {
  connectionFlags,
  noPassPhraseFlag,
  passPhraseFlags,
  terseFlag,
  usernameFlags,
} from '../shared/myproxy-flags.js'
import { trustRootsFlag } from '../shared/myproxy-logon-flags.js'
import { jsonFlag, loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyRetrieve extends MyProxyCommand {
  static override summary = 'Fetches a stored certificate and its key as they are'
  static override description =
    'For a credential that was put there with myproxy store. The key keeps its pass phrase and is ' +
    'written with mode 0600. Files that are there already stay: a key that is overwritten is lost ' +
    'for ever.'
  static override examples = [
    {
      description: 'to another machine of yours',
      command: '<%= config.bin %> myproxy retrieve -s myproxy.example.org -l anna',
    },
    {
      description: 'into files of other names',
      command: '<%= config.bin %> myproxy retrieve -l anna -c cert.pem -y key.pem',
    },
  ]
  static override flags = {
    ...connectionFlags,
    ...usernameFlags,
    certfile: Flags.string({
      char: 'c',
      description:
        'where to put the certificate [default: $X509_USER_CERT, or ~/.globus/usercert.pem]',
      helpValue: 'FILE',
    }),
    keyfile: Flags.string({
      char: 'y',
      description: 'where to put the key [default: $X509_USER_KEY, or ~/.globus/userkey.pem]',
      helpValue: 'FILE',
    }),
    force: Flags.boolean({
      description: 'replace files that are there; they are kept with .old behind their names',
    }),
    'plain-key': Flags.boolean({ description: 'write the key without a pass phrase' }),
    authorization: Flags.string({
      char: 'a',
      description: 'proxy whose DN -d means, instead of your own',
      helpValue: 'FILE',
    }),
    ...passPhraseFlags,
    ...noPassPhraseFlag,
    ...trustRootsFlag,
    ...terseFlag,
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyRetrieve)
    await this.refuseVo(flags)
    const library = await loadLibrary()
    const passPhrases = await this.passPhrases(flags)
    const retrieved = await library.retrieveCredential({
      open: () => this.openMyProxy(flags),
      environment: process.env,
      configFile: flags.config,
      username: flags.username,
      dnAsUsername: flags['dn-as-username'],
      nameFile: flags.authorization,
      credentialName: flags.credname,
      certificateFile: flags.certfile,
      keyFile: flags.keyfile,
      force: flags.force,
      plainKey: flags['plain-key'],
      noPassPhrase: flags['no-passphrase'],
      trustRoots: flags.trustroots,
      passPhrase: () => passPhrases.current(),
      keyPassPhrase: passPhrases.ofKey,
      signal: library.interruption(),
    })
    if (flags.json) {
      this.print(library.encodeRetrieved(retrieved))
      return
    }
    this.print(library.showRetrieved(retrieved, flags.terse))
    const { trustRoots } = retrieved
    if (trustRoots === undefined) return
    this.print(library.showTrustRoots(trustRoots, flags.terse))
    for (const warning of library.warningsOfTrustRoots(trustRoots)) await this.tellWarning(warning)
  }
}
