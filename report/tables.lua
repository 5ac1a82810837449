-- Tables that cells show are HTML; each cell's class says how it is aligned. Word would centre them all, Typst half of them.

local alignments = { gt_left = pandoc.AlignLeft, gt_right = pandoc.AlignRight, gt_center = pandoc.AlignCenter }

local function align(rows)
  for _, row in ipairs(rows) do
    for _, cell in ipairs(row.cells) do
      for _, class in ipairs(cell.attr.classes) do
        if class == "gt_group_heading" or class == "gt_sourcenote" then
          cell.alignment = pandoc.AlignLeft
        elseif alignments[class] then
          cell.alignment = alignments[class]
        end
      end
    end
  end
end

function Table(tbl)
  if not FORMAT:match("docx") and not FORMAT:match("typst") then
    return nil
  end
  align(tbl.head.rows)
  for _, body in ipairs(tbl.bodies) do
    align(body.head)
    align(body.body)
  end
  align(tbl.foot.rows)
  return tbl
end
