import { Flags } from '@oclif/core'
import { accessFlags, accessOptionsOf, patternFlag } from '../shared/myproxy-access-flags.js'
import { passPhraseFlags, replaceFlag } from '../shared/myproxy-flags.js'
import { MyProxyOwnerCommand, ownerFlags } from '../shared/myproxy-owner-command.js'
import { secondsOf } from '../shared/values.js'
import { loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyStore extends MyProxyOwnerCommand {
  static override summary = 'Stores your certificate and its encrypted key on a MyProxy server'
  static override description =
    'Unlike myproxy init this sends the key itself, encrypted as it is in its file: with its pass ' +
    'phrase the credential can be fetched. The pass phrase is asked for, and not sent, to see whether ' +
    'the key belongs to the certificate. What you have stored under the same name is replaced. Only ' +
    'the first server is asked, and once.'
  static override examples = [
    {
      description: 'to fetch it with myproxy retrieve on another machine of yours',
      command: '<%= config.bin %> myproxy store -l anna -k home -E Anna',
    },
    {
      description: 'other files than those in ~/.globus',
      command: '<%= config.bin %> myproxy store -c usercert.pem -y userkey.pem -a',
    },
  ]
  static override flags = {
    ...ownerFlags,
    ...passPhraseFlags,
    ...accessFlags,
    'renewable-by': Flags.string({
      char: 'R',
      description: 'who may renew; the key must have no pass phrase then',
      helpValue: 'PATTERN',
    }),
    'retrievable-by-cert': Flags.string({
      char: 'Z',
      description: 'who may retrieve without a pass phrase; the key must have none then',
      helpValue: 'PATTERN',
    }),
    'retrieve-key': patternFlag('E', 'who may retrieve the key itself'),
    certfile: Flags.string({
      char: 'c',
      description: 'certificate [default: $X509_USER_CERT, or ~/.globus/usercert.pem]',
      helpValue: 'FILE',
    }),
    keyfile: Flags.string({
      char: 'y',
      description: 'its key [default: $X509_USER_KEY, or ~/.globus/userkey.pem]',
      helpValue: 'FILE',
    }),
    'proxy-lifetime': Flags.string({
      char: 't',
      description: 'longest proxy that the server makes of it: hours, or 90m, 48h [default: 12]',
      helpValue: 'HOURS',
    }),
    ...replaceFlag,
    unchecked: Flags.boolean({
      description: 'ask for no pass phrase, so that nobody sees whether key and certificate fit',
      exclusive: ['stdin-pass', 'pass-phrase-file', 'pass-phrase-fd'],
    }),
  }

  async run(): Promise<void> {
    const { flags, raw } = await this.parse(MyProxyStore)
    const library = await loadLibrary()
    const passPhrases = await this.passPhrases(flags)
    const ask = library.askedOnce((file) =>
      passPhrases.current(`Enter GRID pass phrase for ${library.printable(file)}:`),
    )
    const { certfile, keyfile } = flags
    const stored = await library.storeCredential({
      ...(await this.openOwner(flags, ask)),
      files: { environment: process.env, certificateFile: certfile, keyFile: keyfile },
      passPhrase: flags.unchecked ? undefined : ask,
      lifetimeSeconds: await secondsOf('proxy-lifetime', flags['proxy-lifetime'], 'h'),
      onWarning: async (warning) => {
        if (!flags.json) await this.tellWarning(warning)
      },
      mayReplace: (warning) => this.mayReplace(warning, flags),
      access: library.accessPolicyOf(accessOptionsOf(raw)),
      description: flags.creddesc,
    })
    if (flags.json) this.print(library.encodeStored(stored))
    else this.print(library.showStored(stored, flags.terse))
  }
}
