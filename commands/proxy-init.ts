import { proxyInitFlags } from './shared/proxy-init-flags.js'
import { secondsOf, wholeNumberOf } from './shared/values.js'
import { jsonFlag, type Library, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class ProxyInit extends VoboxCommand {
  static override summary = 'Makes a login proxy from your certificate and key'
  static override description =
    'The pass phrase of the key is asked for on the terminal without an echo. The proxy, mode 0600, ' +
    'replaces the one that is there when everything has worked.'
  static override examples = [
    { description: 'for 12 hours', command: '<%= config.bin %> proxy-init' },
    {
      description: 'for a day, with a VOMS role',
      command: '<%= config.bin %> proxy-init --voms alice:/alice/Role=lcgadmin --valid 24:00',
    },
    {
      description: 'for two days, from a file that a browser exported',
      command: '<%= config.bin %> proxy-init --cert usercred.p12 --valid 48:00',
    },
    {
      description: 'in a script, with the pass phrase on descriptor 3',
      command: '<%= config.bin %> proxy-init --quiet --pass-phrase-fd 3 3< pass-phrase-file',
    },
  ]
  static override flags = { ...proxyInitFlags, ...jsonFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(ProxyInit)
    const library = await loadLibrary()
    if (flags.vo !== undefined) throw needsNoVo(flags.vo, library)
    const signal = library.interruption()
    const said = !flags.quiet && !flags.json
    const made = await library.initProxy({
      configFile: flags.config,
      environment: process.env,
      certificateFile: flags.cert,
      keyFile: flags.key,
      noregen: flags.noregen,
      passPhrase: library.passPhraseFrom({ descriptor: await descriptorOf(flags), signal }),
      lifetimeSeconds:
        (await secondsOf('hours', flags.hours, 'h', 60)) ??
        (await secondsOf('valid', flags.valid, 'h:m', 60)),
      keyKind: flags.bits === undefined ? undefined : (`rsa${flags.bits}` as 'rsa2048'),
      policy: flags.limited ? 'limited' : flags.independent ? 'independent' : undefined,
      pathLength: await wholeNumberOf('path-length', flags['path-length']),
      out: flags.out,
      trustDirectory: flags.certdir,
      vomsDirectory: flags.vomsdir,
      vomses: flags.vomses,
      connectSeconds: await secondsOf('timeout', flags.timeout, 's', 1),
      voms: flags.voms,
      order: flags.order,
      targets: flags.target,
      attributeSeconds:
        (await secondsOf('vomslife', flags.vomslife, 'h:m', 60)) ??
        (await secondsOf('valid', flags.valid, 'h:m', 60)),
      unverified: flags['no-verify'],
      verify: flags.verify,
      failOnWarnings: flags.failonwarn,
      onProgress: (step) => {
        if (flags.debug && step.step === 'identity')
          this.tell(library.printable(`using ${step.files.join(', ')}`))
        if (said) this.print(library.showProxyInitStep(step))
      },
      signal,
    })
    for (const warning of flags.ignorewarn ? [] : made.warnings) await this.tellWarning(warning)
    if (flags.json) this.print(library.encodeProxyInit(made))
    else if (said) this.print(library.showProxyInit(made))
  }
}

/** Undefined: the terminal. */
async function descriptorOf(flags: {
  pwstdin: boolean
  'pass-phrase-fd': string | undefined
}): Promise<number | undefined> {
  return flags.pwstdin ? 0 : wholeNumberOf('pass-phrase-fd', flags['pass-phrase-fd'])
}

/** Who names a VO here wants its attributes, and must not go away without them. */
function needsNoVo(vo: string, { VoboxError }: Library): Error {
  return new VoboxError('USAGE', 'proxy-init has no use for --vo', {
    hint: `--voms ${vo} asks for the attributes of a VO`,
    data: { option: 'vo' },
  })
}
