/**
 * What all commands share. A command holds flags, one call into the library and rendering; the
 * library is loaded when a command runs, not when its help is shown.
 */
import { Command, Flags } from '@oclif/core'
import type {
  AnswerCommand,
  JobView,
  RegisterContext,
  Registration,
  Selection,
  VoContext,
  Warning,
} from '../../src/index.js'

/** The library, loaded when first needed. */
export const loadLibrary = () => import('../../src/index.js')

export type Library = Awaited<ReturnType<typeof loadLibrary>>

export interface VoFlags {
  vo?: string | undefined
  config?: string | undefined
  /** The login proxy, where it is not the one in the environment. */
  proxy?: string | undefined
}

export abstract class VoboxCommand extends Command {
  static override baseFlags = {
    vo: Flags.string({
      description: 'VO that is meant; may be left out where only one has a directory',
      helpGroup: 'COMMON',
      helpValue: 'VO',
    }),
    config: Flags.string({
      description: 'configuration file [default: /etc/vobox-proxy/config.toml]',
      helpGroup: 'COMMON',
      helpValue: 'FILE',
    }),
    help: Flags.boolean({ char: 'h', description: 'show this help', helpGroup: 'COMMON' }),
  }

  /** Opens the VO that the flags mean, as its owner. */
  protected async openVo(flags: VoFlags): Promise<VoContext> {
    const { openVo } = await loadLibrary()
    return openVo(optionsOf(flags))
  }

  /** The same for commands of workload managers, which name no VO: of several, the caller's own. */
  protected async openOwnVo(flags: VoFlags): Promise<VoContext> {
    const { openVo } = await loadLibrary()
    return openVo({ ...optionsOf(flags), own: true })
  }

  /** The same for a command that writes: what is missing in its directory is made. */
  protected async openVoForRenewing(flags: VoFlags): Promise<VoContext> {
    const { openVoForRenewing } = await loadLibrary()
    return openVoForRenewing(optionsOf(flags))
  }

  /** The same for a command that changes what is registered. */
  protected async openVoForRegistering(flags: VoFlags): Promise<VoContext & RegisterContext> {
    const { openVoForRegistering } = await loadLibrary()
    return openVoForRegistering(optionsOf(flags))
  }

  /**
   * Prints what scripts parse. Called where the launcher's quick way to the same did not do.
   *
   * @param readJobs job proxies, for who asked for them; absent: scripts never see any.
   */
  protected async printAnswer(
    command: AnswerCommand,
    flags: VoFlags & Selection,
    readJobs?: (vo: VoContext) => Promise<JobView | undefined>,
  ): Promise<void> {
    const { answerFor, selectWithJobs } = await loadLibrary()
    const vo = await this.openVo(flags)
    const jobs = await readJobs?.(vo)
    const chosen = await selectWithJobs(vo, jobs, flags, process.env)
    const { text, problems } = await answerFor(vo, command, chosen, jobs)
    this.print(text)
    for (const problem of problems) await this.tellWarning(problem)
    if (command === 'query') await this.tellMailTrouble(vo, chosen)
    this.tellWarnings(vo)
  }

  /** The name that this was called by: ours, or that of the tool in whose place we stand. */
  private get signature(): string {
    const { signedAs } = this.config.options as { signedAs?: string }
    return signedAs ?? this.config.bin
  }

  /** Data, and nothing else, goes to stdout. */
  protected print(text: string): void {
    process.stdout.write(text)
  }

  /** Something that worked and that the person should know all the same. */
  protected tell(text: string): void {
    process.stderr.write(`${this.signature}: ${text}\n`)
  }

  /** The same with its cure. */
  protected async tellWarning(warning: Warning): Promise<void> {
    const { showWarning } = await loadLibrary()
    process.stderr.write(showWarning(this.signature, warning))
  }

  /** That there is nothing to show or do, for people; scripts see it by an empty stdout. */
  protected async tellNothing(vo: string, voms: readonly string[] | undefined): Promise<void> {
    const { nothingRegistered } = await loadLibrary()
    const { message, hint } = nothingRegistered(vo, voms)
    this.tell(`${message}\n  ${hint}`)
  }

  /** That mail which somebody waits for cannot leave. */
  protected async tellMailTrouble(
    vo: VoContext,
    registrations: readonly Registration[],
  ): Promise<void> {
    const { mailTroubleOf } = await loadLibrary()
    const trouble = mailTroubleOf(vo.config.mail, registrations)
    if (trouble !== undefined) await this.tellWarning(trouble)
  }

  /** What the registry found wrong and survived. */
  protected tellWarnings(vo: VoContext): void {
    for (const warning of vo.registry.takeWarnings()) this.tell(`warning: ${warning}`)
  }
}

const optionsOf = ({ vo, config, proxy }: VoFlags) => ({
  vo,
  loginProxy: proxy,
  configFile: config,
  environment: process.env,
})

/** Options that say which registrations are meant. */
export const selectionFlags = {
  dn: Flags.string({
    description: "identity DN, or 'all' for every registration [default: the login proxy's]",
    helpValue: 'DN',
  }),
  voms: Flags.string({
    description:
      'only registrations with these VOMS attributes; where one person has several, the one whose ' +
      'first they are; may be repeated',
    helpValue: 'VO[:FQAN]',
    multiple: true,
    multipleNonGreedy: true,
  }),
}

export const jsonFlag = {
  json: Flags.boolean({ description: 'print JSON (docs/json.md lists the fields)' }),
}
