/** /sys/kernel and the other top folders that hold no devices. */
import { netClass } from './net-entries.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { dir, file, mountPoint } from '../pseudo/entries.ts';
import type { Entries, Entry } from '../pseudo/entries.ts';

const constant = (text: string | number): Entry<Kernel> => file(() => `${text}\n`);

export const kernelEntries: Entries<Kernel> = {
  address_bits: constant(64),
  cgroup: dir({ delegate: constant('cgroup.procs\ncgroup.threads\ncgroup.subtree_control\nmemory.oom.group\nmemory.reclaim'),
    features: constant('nsdelegate\nfavordynmods\nmemory_localevents\nmemory_recursiveprot\nmemory_hugetlb_accounting\npids_localevents'),
  }),
  cpu_byteorder: constant('little'),
  debug: mountPoint(),
  mm: dir({
    hugepages: dir({}),
    transparent_hugepage: dir({
      defrag: constant('always defer defer+madvise madvise [never]'),
      enabled: constant('always madvise [never]'),
      hpage_pmd_size: constant(2097152),
      shmem_enabled: constant('always within_size advise [never] deny force'),
      use_zero_page: constant(0),
    }),
  }),
  profiling: constant(0),
  security: mountPoint(),
  tracing: mountPoint(),
  uevent_seqnum: constant(1),
};

export const classEntries: Entries<Kernel> = {
  block: dir({}),
  mem: dir({}),
  misc: dir({}),
  net: netClass,
  tty: dir({}),
};
