# Included by consumer_test.cmake into the consumer's project: adds the program list_rows to it,
# once the target Entasis::entasis is there.
function(add_list_rows)
  add_executable(list_rows "${LIST_ROWS_SOURCE}")
  target_link_libraries(list_rows PRIVATE Entasis::entasis)
endfunction()
cmake_language(DEFER CALL add_list_rows)
