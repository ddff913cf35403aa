/** What `setup` is asked for, and what it answers. */

export interface SetupRequest {
  vo: string
  /** Account that owns the VO directory; may be left out to remove. */
  admin?: string | undefined
  /** Root of the VO directories; default: the one configured. */
  root?: string | undefined
  /** Who starts the service at boot; default: systemd where it runs. */
  manager?: 'systemd' | 'sysv' | undefined
  /** Says what would be done, and does nothing; default false. */
  dryRun?: boolean
  /** Takes all away but the VO directory; default false. */
  remove?: boolean
  /** Takes the VO directory away as well; default false. */
  purge?: boolean
  /** Has the service see what lies in `/tmp`, and says how jobs are served; default false. */
  jobs?: boolean
  /** Enables and starts the service; default true. */
  start?: boolean
  /** Hears of each step once it is taken, or would be. */
  onStep?: ((step: SetupStep) => void) | undefined
  /** Directory that stands for `/`, in which nothing is started; default: `/` itself. */
  prefix?: string | undefined
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  /** Directory of the installation. */
  home: string
  /** Command line that runs this program, in which a process of the VO admin's works. */
  program: readonly string[]
}

export type SetupAction = 'make' | 'change' | 'remove' | 'run'

/** One thing that was done, or would be. What is right already is none. */
export interface SetupStep {
  action: SetupAction
  /** A path, or a command line. */
  target: string
  /** Owner and mode, where there is something to say. */
  detail?: string | undefined
}

export interface SetupResult {
  vo: string
  /** `null`: removed without being named. */
  admin: string | null
  /** The VO directory. */
  directory: string
  dryRun: boolean
  steps: readonly SetupStep[]
  /** What is left to do by hand, a line each. */
  advice: readonly string[]
}
