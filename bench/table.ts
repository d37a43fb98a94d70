/** Tables of figures, for a terminal and for Markdown. */

export interface Table {
  readonly caption: string;
  /** The first column holds names, the others figures. */
  readonly columns: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Lines of text, the figures aligned to the right. */
export function textTable({ caption, columns, rows }: Table): string {
  const all = [columns, ...rows];
  const widths = columns.map((_, column) => Math.max(...all.map((cells) => cells[column]?.length ?? 0)));
  const lines = all.map((cells) =>
    columns
      .map((_, column) => {
        const [cell, width] = [cells[column] ?? "", widths[column] ?? 0];
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      })
      .join("  ")
      .trimEnd(),
  );
  return [caption, ...lines].join("\n");
}

export function markdownTable({ caption, columns, rows }: Table): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(escapeCell).join(" | ")} |`;
  const rule = `|${columns.map((_, column) => (column === 0 ? "---" : "--:")).join("|")}|`;
  return [`${caption}:`, "", line(columns), rule, ...rows.map(line)].join("\n");
}

function escapeCell(cell: string): string {
  return cell.replaceAll("|", "\\|");
}
