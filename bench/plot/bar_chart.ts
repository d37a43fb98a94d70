/** Bars to compare: what a plot is drawn of. */

export interface BarChart {
  readonly title: string;
  readonly bars: readonly Bar[];
}

export interface Bar {
  readonly name: string;
  /** Drawn to the scale of the longest bar of its chart. */
  readonly value: number;
  /** What stands beside the bar: the value, and its ratio to the baselines. */
  readonly label: string;
  /** Baselines are drawn paler. */
  readonly isBaseline: boolean;
}
