/** What the `myproxy` commands share: opening the client, pass phrases, and what `-v` says. */
import type { MyProxyClient, OpenMyProxyOptions, PassPhrases } from '../../src/index.js'
import { wholeNumberOf } from './values.js'
import { loadLibrary, VoboxCommand } from './vobox-command.js'

export interface ConnectionFlags {
  vo?: string | undefined
  config?: string | undefined
  pshost?: string | undefined
  psport?: string | undefined
  verbose?: boolean
}

export interface PassPhraseFlags {
  'stdin-pass'?: boolean
  'pass-phrase-file'?: string | undefined
  'pass-phrase-fd'?: string | undefined
}

export abstract class MyProxyCommand extends VoboxCommand {
  /** The client for the servers that the flags, the environment or the configuration name. */
  protected async openMyProxy(
    flags: ConnectionFlags,
    settings: Pick<OpenMyProxyOptions, 'keyKind' | 'keys'> = {},
  ): Promise<MyProxyClient> {
    const { MyProxyClient, interruption, showAttempt } = await loadLibrary()
    return MyProxyClient.open({
      servers: flags.pshost,
      port: await this.portOf(flags.psport),
      environment: process.env,
      configFile: flags.config,
      signal: interruption(),
      ...(flags.verbose && { onAttempt: (attempt) => this.tell(showAttempt(attempt)) }),
      ...settings,
    })
  }

  protected async passPhrases(flags: PassPhraseFlags): Promise<PassPhrases> {
    const { PassPhrases, interruption } = await loadLibrary()
    return new PassPhrases({
      stdin: flags['stdin-pass'],
      file: flags['pass-phrase-file'],
      descriptor: await wholeNumberOf('pass-phrase-fd', flags['pass-phrase-fd']),
      tell: (sentence) => this.tell(sentence),
      signal: interruption(),
    })
  }

  /** Told in any case, before anything is sent; asked where somebody sits at a terminal. */
  protected async mayReplace(
    warning: { message: string; hint?: string | undefined },
    flags: { replace: boolean; json: boolean; 'stdin-pass': boolean },
  ): Promise<boolean> {
    const { confirmOnTerminal, interruption } = await loadLibrary()
    await this.tellWarning(warning)
    const nobody = !process.stdin.isTTY || !process.stderr.isTTY
    if (flags.replace || flags.json || flags['stdin-pass'] || nobody) return true
    return confirmOnTerminal('Replace it? (yes or no) ', interruption())
  }

  /** Who names a VO here takes this for a command about registrations. */
  protected async refuseVo({ vo }: { vo?: string | undefined }): Promise<void> {
    if (vo === undefined) return
    const { VoboxError } = await loadLibrary()
    throw new VoboxError('USAGE', `${this.id?.replaceAll(':', ' ')} has no use for --vo`, {
      hint: 'a stored credential belongs to a person, not to a VO',
      data: { option: 'vo' },
    })
  }

  private async portOf(text: string | undefined): Promise<number | undefined> {
    const port = await wholeNumberOf('psport', text)
    if (port === undefined || (port >= 1 && port <= 65_535)) return port
    const { VoboxError } = await loadLibrary()
    throw new VoboxError('USAGE', '--psport must be between 1 and 65535', {
      data: { option: 'psport', text },
    })
  }
}
