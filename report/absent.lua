-- What a study does not have shows an empty div of the class study-absent: the figure or table that was to hold it goes,
-- caption and all, before anything is numbered. The text refers to what is there, and says why the rest is not.

local function absent(div)
  local found = false
  div:walk({
    Div = function(inner)
      found = found or inner.classes:includes("study-absent")
    end,
  })
  return found
end

return {
  {
    traverse = "topdown",
    Div = function(div)
      if div.classes:includes("study-absent") or (div.identifier:match("^%a+%-") and absent(div)) then
        return {}
      end
    end,
  },
}
