/** Which servers may speak for which VO: what a `vomsdir` holds, in memory. */
import type { Certificate } from '../x509/certificate.js'
import type { Lsc } from './lsc.js'

/** Something in the directory that cannot be used; whoever it would have vouched for is not trusted. */
export interface VomsTrustProblem {
  readonly kind: 'directory-unusable' | 'lsc-unusable' | 'certificate-unusable'
  readonly file: string
  /** Undefined: it concerns all VOs. */
  readonly vo: string | undefined
  /** Whether it may be over by itself, such as a file system that does not answer. */
  readonly transient: boolean
  readonly message: string
}

export interface VomsTrust {
  /** Where it came from, for messages. */
  readonly directory: string
  /** `VO/HOST.lsc`; hosts compare without regard to case. */
  lscFor(vo: string, host: string): readonly Lsc[]
  /** Certificates of VOMS servers for this VO, and those that lie beside the VOs and are for all. */
  certificatesFor(vo: string): readonly Certificate[]
  readonly problems: readonly VomsTrustProblem[]
}

export interface VomsTrustMaterial {
  readonly directory: string
  readonly lscs?: readonly { readonly vo: string; readonly host: string; readonly lsc: Lsc }[]
  /** Without a VO: for all of them. */
  readonly certificates?: readonly {
    readonly vo: string | undefined
    readonly certificate: Certificate
  }[]
  readonly problems?: readonly VomsTrustProblem[]
}

export function makeVomsTrust(material: VomsTrustMaterial): VomsTrust {
  const { directory, lscs = [], certificates = [], problems = [] } = material
  return {
    directory,
    problems,
    lscFor(vo, host) {
      const name = host.toLowerCase()
      return lscs
        .filter((one) => one.vo === vo && one.host.toLowerCase() === name)
        .map(({ lsc }) => lsc)
    },
    certificatesFor: (vo) =>
      certificates
        .filter((one) => one.vo === undefined || one.vo === vo)
        .map(({ certificate }) => certificate),
  }
}
